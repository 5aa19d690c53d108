"""Maps of a region in several periods, of squares on a grid."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from affine import Affine
from rasterio.crs import CRS

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.monitoring.period_map import PeriodMap
from mining_the_mines.monitoring.periods import Period
from support.scene_maps import EAST, NORTH, UTM, field, mines_of

#: A region of 2 by 2 km; (0, 0) of :func:`support.scene_maps.field` is its lower left corner.
GRID = ChipGrid(CRS.from_string(UTM), Affine(10, 0, EAST, 0, -10, NORTH + 2000), 200, 200)
WHOLE = shapely.box(*GRID.bounds)


def year(number: int) -> Period:
    """A year as a period."""
    return Period(str(number), date(number, 1, 1), date(number, 12, 31))


def mines(shapes: Sequence[shapely.Geometry], probability: float = 0.7, clear_dates: float = 3.0) -> gpd.GeoDataFrame:
    """A map of mines of these shapes."""
    return mines_of(list(shapes)).assign(mean_probability=probability, clear_dates=clear_dates)


def year_map(
    number: int,
    *shapes: shapely.Geometry,
    seen: shapely.Geometry = WHOLE,
    dates: Sequence[date] | None = None,
    probability: float = 0.7,
    rasters: dict[str, Path] | None = None,
) -> PeriodMap:
    """The map of a year, with images in June, July and August."""
    days = [date(number, month, 15) for month in (6, 7, 8)] if dates is None else dates
    return PeriodMap(
        "tapajos", year(number), mines(shapes, probability, len(days)), GRID, seen, tuple(days),
        "mine-segmenter", "3", f"monitored_maps:{number:012d}", **(rasters or {}),
    )  # fmt: skip


def write_raster(path: Path, values: npt.NDArray[np.generic]) -> Path:
    """Write a raster on the region's grid."""
    with rasterio.open(
        path, "w", driver="GTiff", dtype=values.dtype, count=1, width=GRID.width, height=GRID.height, crs=GRID.crs,
        transform=GRID.transform,
    ) as target:  # fmt: skip
        target.write(values, 1)
    return path


__all__ = ["GRID", "WHOLE", "field", "mines", "write_raster", "year", "year_map"]
