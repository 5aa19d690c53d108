"""Mines that open, looks at them, and claims of new ones, on a plain of 6 km."""

from datetime import date

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from mining_the_mines.scoring.change_matching import Look

CRS = "EPSG:32721"
REGION = "tapajos"
PLAIN = shapely.box(500_000, 9_000_000, 506_000, 9_006_000)


def look(year: int, seen: BaseGeometry = PLAIN) -> Look:
    """Images from July to August; the middle is the first of August."""
    return Look(REGION, str(year), (date(year, 7, 2), date(year, 8, 1), date(year, 8, 31)), seen, CRS)


#: Three years.
LOOKS = tuple(look(year) for year in (2019, 2020, 2021))


def ground(number: int, metres: float = 200) -> shapely.Polygon:
    """A square of its own; squares of the same number share their corner."""
    return shapely.box(500_000 + 1000 * number, 9_000_000, 500_000 + 1000 * number + metres, 9_000_000 + metres)


def frame(rows: list[dict[str, object]]) -> gpd.GeoDataFrame:
    """A table of polygons of the plain."""
    days = ["opened", "valid_from", "valid_to", "confirmed_on", "onset_after", "onset_by"]
    columns = ["region", "name", "object", "period", "hectares", *days, "geometry"]
    table = pd.DataFrame([{"region": REGION} | row for row in rows], columns=columns)
    return gpd.GeoDataFrame(table.astype(dict.fromkeys(days, "datetime64[ms]")), geometry="geometry", crs=CRS)


def mine(number: int, opened: str, *growth: tuple[str, float], metres: float = 200) -> list[dict[str, object]]:
    """States of a mine: a square that has its size from the day it opens, and other sizes from other days."""
    turns = [(opened, metres), *growth]
    ends = [str(pd.Timestamp(day) - pd.Timedelta(days=1)) for day, _ in turns[1:]] + [None]
    return [
        {
            "name": f"mine_{number}",
            "opened": opened,
            "valid_from": day,
            "valid_to": end,
            "geometry": ground(number, size),
        }
        for (day, size), end in zip(turns, ends, strict=True)
    ]


def claim(number: int, year: int, metres: float = 200, **values: object) -> dict[str, object]:
    """A claim of a new mine in a year."""
    return {"object": f"site_{number}", "period": str(year), "geometry": ground(number, metres)} | values
