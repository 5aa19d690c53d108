"""Tables of sites as the monitoring makes them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from mining_the_mines.monitoring.periods import Period
from mining_the_mines.monitoring.site_register import REGISTER_COLUMNS, make_register, site_id
from mining_the_mines.monitoring.site_table import Confirmation, SiteStatus, site_table

#: Four years.
YEARS = tuple(Period(str(year), date(year, 1, 1), date(year, 12, 31)) for year in range(2019, 2023))


def square(longitude: float, latitude: float, metres: float) -> shapely.Polygon:
    """A box of about so many metres a side around a place near the equator."""
    half = metres / 2 / 111_320
    return shapely.box(longitude - half, latitude - half, longitude + half, latitude + half)


def site_row(period: Period, site_id: str = "tapajos-0001", **values: Any) -> dict[str, Any]:
    """A row of a site of 4 hectares, unchanged and confirmed unless told otherwise."""
    usual = {
        "site_id": site_id, "region": "tapajos", "period": period.name, "start": period.start, "end": period.end,
        "first_date": period.start, "last_date": period.end, "status": SiteStatus.UNCHANGED,
        "confirmation": Confirmation.CONFIRMED, "confirmed_by": "second_look", "hectares": 4.0, "change_hectares": 0.0,
        "onset_by": date(2019, 6, 30), "probability": 0.8, "peak_probability": 0.95, "clear_share": 1.0,
        "confidence": "high", "model": "mine-segmenter", "model_version": "3",
        "lineage_id": "monitored_maps:0123456789ab", "geometry": square(-56.0, -6.0, 200),
    }  # fmt: skip
    return usual | values


def growing_site(site_id: str = "tapajos-0001", longitude: float = -56.0) -> list[dict[str, Any]]:
    """A site that is new in the second of four years, grows, is not seen in the last."""
    first, second, third = YEARS[1:]
    onset = {"onset_after": date(2019, 6, 30), "onset_by": date(2020, 6, 30)}
    new = {"status": SiteStatus.NEW, "confirmation": Confirmation.PROVISIONAL, "confirmed_by": "", **onset}
    grown = {"status": SiteStatus.GROWN, "hectares": 9.0, "change_hectares": 5.0, **onset}
    hidden = {"status": SiteStatus.NOT_SEEN, "hectares": None, "change_hectares": None, "clear_share": 0.1, **onset}
    larger = square(longitude, -6.0, 300)
    return [
        site_row(first, site_id, geometry=square(longitude, -6.0, 200), **new),
        site_row(second, site_id, geometry=larger, **grown),
        site_row(third, site_id, geometry=larger, probability=None, peak_probability=None, **hidden),
    ]


def site_register(ids: Sequence[tuple[str, int]]) -> gpd.GeoDataFrame:
    """A register of these regions and numbers, all on the same ground."""
    ground = square(-56.0, -6.0, 200)
    rows = [(region, site_id(region, number), number, "2019", ground, ground) for region, number in ids]
    return make_register(pd.DataFrame(rows, columns=[*REGISTER_COLUMNS, "geometry", "ground"]))


def tiny_sites() -> gpd.GeoDataFrame:
    """One site that is old and unchanged through four years, and one that is new in the second."""
    old = [site_row(YEARS[0], status=SiteStatus.BASELINE, change_hectares=None), *map(site_row, YEARS[1:])]
    return site_table([*old, *growing_site("tapajos-0002", -55.98)])
