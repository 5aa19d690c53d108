"""What a chip is called: a mine, no mine, or neither, by the share of its ground that outlines cover."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.features import shapes
from shapely.geometry import shape as to_geometry

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.geo.mine_polygons import Geometries
from mining_the_mines.geo.polygon_index import PolygonIndex


@dataclass(frozen=True)
class MineCover:
    """How much of a chip is mine.

    Attributes:
        visible: Share of the chip's ground that is mine and has data.
        whole: Share that is mine, with or without data.
        kind: The kind of mine with the largest area; empty where the outlines don't tell.
    """

    visible: float
    whole: float
    kind: str


_NO_MINE: Final = MineCover(0.0, 0.0, "")


def cover_of(index: PolygonIndex, grid: ChipGrid, empty: npt.NDArray[np.bool_]) -> MineCover:
    """Measure the mines of a chip exactly: areas of polygons in the chip's own coordinates, not counts of pixels.

    Args:
        index: The outlines.
        grid: Where the chip lies.
        empty: Pixels without data, boolean (height, width).

    Returns:
        Their shares of the chip's ground; what several outlines cover counts once.
    """
    if not index.touching(grid).size:
        return _NO_MINE
    positions, polygons = index.on(grid)
    if not positions.size:
        return _NO_MINE
    ground = shapely.box(*grid.bounds)
    # Polygons that are valid in degrees can cross themselves by a rounding error in metres.
    parts = shapely.intersection(shapely.make_valid(polygons), ground)
    mine = shapely.union_all(parts)
    seen = shapely.difference(mine, _ground_of(empty, grid)) if empty.any() else mine
    return MineCover(
        visible=float(seen.area / ground.area),
        whole=float(mine.area / ground.area),
        kind=_largest_kind(index, positions, parts),
    )


def _ground_of(empty: npt.NDArray[np.bool_], grid: ChipGrid) -> shapely.Geometry:
    """The outline of pixels."""
    found = shapes(empty.astype(np.uint8), mask=empty, transform=grid.transform)
    united: shapely.Geometry = shapely.union_all([to_geometry(outline) for outline, _ in found])
    return united


def _largest_kind(index: PolygonIndex, positions: npt.NDArray[np.intp], parts: Geometries) -> str:
    areas: dict[str, float] = {}
    for position, part in zip(positions, parts, strict=True):
        kind = index.outlines.kinds[position]
        areas[kind] = areas.get(kind, 0.0) + part.area
    areas.pop("", None)
    return max(areas, key=lambda kind: areas[kind]) if areas else ""
