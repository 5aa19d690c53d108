"""The page of sites through time: one HTML file that opens in any browser without a network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.reporting import formatting
from mining_the_mines.reporting.map_placing import (
    encode_extents,
    encode_polygons,
    encode_surroundings,
    middle_longitude,
    place_footprint,
    place_photograph,
    place_polygons,
)
from mining_the_mines.reporting.pictures import css_colour, stretch_for
from mining_the_mines.reporting.status_colours import STATUS_COLOURS, STATUS_TITLES
from mining_the_mines.reporting.web_map import WebMapSettings, base_map, render_web_map

#: Outlines are simplified to half a pixel of Sentinel-2, about five metres, and kept to a metre: 20 000 of them must
#: open at once. Exact ones are in the files of sites.
_SIMPLIFIED_DEGREES: Final = 5e-5
_DIGITS: Final = 5
#: Columns that a click on a site shows, with their decimals; then dates and texts.
_NUMBERS: Final = {
    "change_hectares": 2,
    "probability": 3,
    "peak_probability": 3,
    "clear_share": 3,
    "outside_concessions_ha": 2,
    "protected_ha": 2,
}
_DATES: Final = ("first_date", "last_date", "onset_after", "onset_by")
_TEXTS: Final = (
    "confirmed_by", "confidence", "joined", "concession", "protected_area", "model", "model_version", "lineage_id",
)  # fmt: skip


class NamedPeriod(Protocol):
    """A period of a series of maps."""

    @property
    def name(self) -> str:
        """Name of the period."""
        ...

    @property
    def start(self) -> date:
        """First day."""
        ...

    @property
    def end(self) -> date:
        """Last day."""
        ...


@dataclass(frozen=True, eq=False)
class SiteRegion:
    """A region of the page.

    Attributes:
        name: Name of the region.
        grid: Grid of its maps, the same in all periods.
        read: Reads the true colour of a period by its name: reflectance of red, green and blue of the whole region at
            reduced resolution, float32 (3, h, w), NaN where nothing was seen; ``None`` if nothing was seen at all.
        concessions: With the column ``name``, in any CRS, if known.
        protected: Protected areas with the column ``name``, in any CRS, if known.
    """

    name: str
    grid: ChipGrid
    read: Callable[[str], NDArray[np.float32] | None]
    concessions: gpd.GeoDataFrame | None = None
    protected: gpd.GeoDataFrame | None = None


def draw_site_page(
    sites: gpd.GeoDataFrame,
    periods: Sequence[NamedPeriod],
    regions: Sequence[SiteRegion],
    settings: WebMapSettings,
    title: str,
    verified: Sequence[str] = (),
) -> str:
    """Draw the page of sites.

    ``#site=<id>`` at the end of its address opens that site. Outlines and pictures of a period, and details of sites,
    are parsed when the page first shows them.

    Args:
        sites: A row per site and period, in degrees of WGS 84, sorted by region, site and period, with the columns
            of :data:`mining_the_mines.monitoring.site_table.SITE_COLUMNS`.
        periods: All periods of the series, from the earliest to the latest.
        regions: Regions of the maps; their names are unique.
        settings: Contents of the page.
        title: Title of the page.
        verified: Sentences on verified areas.

    Returns:
        A whole HTML document with its scripts, style, pictures and outlines inside.

    Raises:
        BadInputError: The table has a period that is not in the series, or a region's coordinate reference system
            can't be placed on the Earth.
    """
    names = list(dict.fromkeys([*(region.name for region in regions), *sites["region"]]))
    shapes = _place(sites, {region.name: middle_longitude(region.grid) for region in regions})
    numbers = pd.Index([period.name for period in periods]).get_indexer(pd.Index(sites["period"]))
    if (numbers < 0).any():
        raise BadInputError(
            f"The table of sites has the period {sites['period'].iloc[numbers.argmin()]}, which the maps lack: run "
            "monitoring again."
        )
    pictures = _pictures(periods, regions, settings)
    placed = {
        region.name: {
            "footprint": place_footprint(region.grid),
            "concession": encode_surroundings(region.concessions, region.grid),
            "protected": encode_surroundings(region.protected, region.grid),
        }
        for region in regions
    }
    data: dict[str, Any] = {
        "data": {
            **base_map(settings),
            "statuses": [
                {"name": name, "title": STATUS_TITLES[name], "colour": css_colour(colour)}
                for name, colour in STATUS_COLOURS.items()
            ],
            "periods": [
                {"name": period.name, "days": formatting.period(period.start, period.end)} for period in periods
            ],
            "regions": [{"name": name, **placed.get(name, {})} for name in names],
            "sites": _sites(sites, shapes, names),
            "rows": _rows(sites, numbers),
        },
        "details": _details(sites),
    }
    first = _first_rows(sites)
    same = np.zeros(len(sites), dtype=bool)
    same[1:] = ~first[1:] & shapely.equals_exact(shapes[1:], shapes[:-1])
    for number in range(len(periods)):
        of_period = np.flatnonzero(numbers == number)
        encoded: list[Any] = list(encode_polygons(shapes[of_period], _DIGITS))
        # A row without an outline of its own has that of the row before.
        data[f"outlines-{number}"] = [
            None if repeated else outline for outline, repeated in zip(encoded, same[of_period], strict=True)
        ]
        data[f"pictures-{number}"] = pictures[number]
    return render_web_map("sites", title, data, settings, ("site_series", "site_chart", "site_card"), verified)


def _place(sites: gpd.GeoDataFrame, meridians: dict[str, float]) -> Geometries:
    """Outlines in degrees near the meridian of their region, simplified."""
    placed = np.empty(len(sites), dtype=np.object_)
    for region, rows in sites.groupby("region").indices.items():
        of_region = sites.iloc[rows]
        meridian = meridians.get(str(region), float(shapely.bounds(of_region.geometry.iloc[0])[0]))
        placed[rows] = place_polygons(of_region, meridian)
    simplified: Geometries = shapely.simplify(placed, _SIMPLIFIED_DEGREES)
    return simplified


def _first_rows(sites: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the first row of each site."""
    first = np.ones(len(sites), dtype=bool)
    first[1:] = sites["site_id"].to_numpy()[1:] != sites["site_id"].to_numpy()[:-1]
    return first


def _sites(sites: gpd.GeoDataFrame, shapes: Geometries, regions: list[str]) -> dict[str, Any]:
    """Columns of sites: the first row, the middle of all outlines, and how far these reach from it."""
    rows = np.flatnonzero(_first_rows(sites))
    box = shapely.bounds(shapes).reshape(-1, 4)
    if len(rows):
        box = np.hstack([np.minimum.reduceat(box[:, :2], rows), np.maximum.reduceat(box[:, 2:], rows)])
    ids = sites["site_id"].iloc[rows]
    return {
        "id": ids.tolist(),
        "region": pd.Index(regions).get_indexer(pd.Index(sites["region"].iloc[rows])).tolist(),
        "row": rows.tolist(),
        **encode_extents(np.asarray(shapely.box(*box.T), dtype=np.object_), _DIGITS),
    }


def _rows(sites: pd.DataFrame, numbers: NDArray[np.int64]) -> dict[str, Any]:
    """Columns of rows that the page needs to open."""
    review = sites["review"]
    return {
        "period": numbers.tolist(),
        "status": pd.Index(list(STATUS_COLOURS)).get_indexer(pd.Index(sites["status"])).tolist(),
        "confirmed": (sites["confirmation"] == "confirmed").astype(int).tolist(),
        "review": None if review.isna().all() else review.fillna(value=False).astype(int).tolist(),
        "hectares": _rounded(sites["hectares"], 2),
    }


def _details(sites: pd.DataFrame) -> dict[str, Any]:
    """Columns of rows that a click shows; texts are numbers of a list of values."""
    details: dict[str, Any] = {name: _rounded(sites[name], digits) for name, digits in _NUMBERS.items()}
    texts = {name: sites[name].astype(str) for name in _TEXTS}
    texts |= {name: sites[name].map(lambda when: "" if pd.isna(when) else formatting.day(when)) for name in _DATES}
    for name, column in texts.items():
        codes, values = pd.factorize(column)
        details[name] = {"codes": codes.tolist(), "values": values.tolist()}
    return details


def _rounded(column: pd.Series, digits: int) -> list[float | None]:
    values = column.round(digits).astype(object)
    return values.where(column.notna(), None).tolist()


def _pictures(
    periods: Sequence[NamedPeriod], regions: Sequence[SiteRegion], settings: WebMapSettings
) -> list[list[dict[str, Any]]]:
    """Pictures by period; all of a region have the same stretch."""
    side = settings.picture_side(len(periods) * len(regions))
    pictures: list[list[dict[str, Any]]] = [[] for _ in periods]
    for number, region in enumerate(regions):
        visible = [region.read(period.name) for period in periods]
        stretch = stretch_for([picture for picture in visible if picture is not None])
        for of_period, picture in zip(pictures, visible, strict=True):
            if picture is not None and np.isfinite(picture).any():
                placed = place_photograph(picture, region.grid, stretch, side)
                west, south, east, north = placed.bounds
                of_period.append({"region": number, "uri": placed.uri, "bounds": [[south, west], [north, east]]})
    return pictures
