"""Spatial index of mine polygons: those on a chip, and the share of the chip that they cover."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.crs import CRS
from rasterio.features import shapes
from shapely.geometry import shape as to_geometry

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.antimeridian import Boxes, near_meridian, split_boxes
from mining_the_mines.geo.grid import Box, ChipGrid, wgs84
from mining_the_mines.geo.mine_polygons import LON_LAT, Coordinates, MinePolygons, Transformation, transformation
from mining_the_mines.geo.vector_files import Geometries

#: Polygons are clipped this share of a chip's edge beyond its rim: points far away can't always be projected.
_MARGIN = 0.25


@dataclass(frozen=True)
class MineCover:
    """Mine on a chip.

    Attributes:
        visible: Share of the chip's ground that is mine and has data.
        whole: Share that is mine, with or without data.
        kind: Kind of mine with the largest area; empty where the polygons don't say.
    """

    visible: float
    whole: float
    kind: str


class PolygonIndex:
    """A tree over the polygons' boxes (an R-tree, A. Guttman, 1984, packed as by S. Leutenegger et al., 1997).

    Args:
        polygons: The polygons.
    """

    def __init__(self, polygons: MinePolygons) -> None:
        self.polygons = polygons
        self._tree = shapely.STRtree(polygons.geometry)

    def touching(self, grid: ChipGrid) -> npt.NDArray[np.intp]:
        """Find the polygons whose box meets a chip's box in degrees.

        Args:
            grid: Grid of the chip.

        Returns:
            Their positions, ascending; some may miss the chip by a little.
        """
        return np.unique(self._tree.query(shapely.box(*split_boxes(np.array([grid.wgs84_bounds])).T))[1])

    def meets(self, boxes: Boxes) -> bool:
        """Return whether any polygon's box meets any of these boxes.

        Args:
            boxes: West, south, east and north in degrees of WGS 84, float64 (boxes, 4); west is greater than east
                across the antimeridian.

        Returns:
            Whether one does.
        """
        return bool(self._tree.query(shapely.box(*split_boxes(boxes).T)).size)

    def on(self, grid: ChipGrid) -> tuple[npt.NDArray[np.intp], Geometries]:
        """Project the polygons that touch a chip to its coordinates.

        Args:
            grid: Grid of the chip.

        Returns:
            Their positions, ascending, and their polygons in the chip's own coordinate reference system, cut off some
            way beyond the chip's rim.
        """
        positions = self.touching(grid)
        clipped = [shapely.clip_by_rect(self.polygons.geometry[positions], *box) for box in _widened(grid.wgs84_bounds)]
        placed = [shapely.transform(parts, partial(_place, grid)) for parts in clipped]
        nearby = placed[0] if len(placed) == 1 else shapely.union(placed[0], placed[1])
        corners = ((0, 0), (grid.width, 0), (grid.width, grid.height), (0, grid.height))
        footprint = shapely.Polygon([grid.transform @ corner for corner in corners])
        shapely.prepare(footprint)
        touches = shapely.intersects(footprint, nearby)
        return positions[touches], nearby[touches]


def check_coverage(index: PolygonIndex, grids: Iterable[ChipGrid]) -> None:
    """Check that polygons and chips overlap.

    Args:
        index: The polygons.
        grids: Grids of the chips.

    Raises:
        BadInputError: No polygon meets any chip. The message gives both extents and, where it would help, that the
            coordinates of the polygons seem to be mirrored or swapped.
    """
    check_boxes(index, np.array([grid.wgs84_bounds for grid in grids], dtype=np.float64).reshape(-1, 4), "chip")


def check_boxes(index: PolygonIndex, boxes: Boxes, kind: str) -> None:
    """Check that polygons overlap some boxes.

    Args:
        index: The polygons.
        boxes: West, south, east and north in degrees of WGS 84, float64 (boxes, 4).
        kind: Word for a box in the message, such as ``region``.

    Raises:
        BadInputError: As :func:`check_coverage` does.
    """
    if index.meets(boxes):
        return
    extent = shapely.total_bounds(index.polygons.geometry)
    ground = (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)) if len(boxes) else (np.nan,) * 4
    raise BadInputError(
        f"No polygon in {index.polygons.source} meets any {kind}: the polygons lie in {_name(extent)}, the {kind}s in "
        f"{_name(ground)}; {_hint(index, boxes)}."
    )


def measure_cover(index: PolygonIndex, grid: ChipGrid, empty: npt.NDArray[np.bool_]) -> MineCover:
    """Measure the share of a chip that is mine, from areas of polygons in the chip's own coordinates.

    Args:
        index: The polygons.
        grid: Grid of the chip.
        empty: Pixels without data, boolean (height, width).

    Returns:
        Shares of the chip's ground; overlapping polygons count once.
    """
    positions, polygons = index.on(grid) if index.touching(grid).size else ((), ())
    if not len(positions):
        return MineCover(0.0, 0.0, "")
    ground = shapely.box(*grid.bounds)
    # Polygons that are valid in degrees can cross themselves by a rounding error in metres.
    parts = shapely.intersection(shapely.make_valid(polygons), ground)
    mine = shapely.union_all(parts)
    seen = shapely.difference(mine, _polygonize(empty, grid)) if empty.any() else mine
    areas: Counter[str] = Counter()
    for position, part in zip(positions, parts, strict=True):
        areas[index.polygons.kinds[position]] += part.area
    areas.pop("", None)
    kind = max(areas, key=lambda kind: areas[kind]) if areas else ""
    return MineCover(float(seen.area / ground.area), float(mine.area / ground.area), kind)


def _polygonize(pixels: npt.NDArray[np.bool_], grid: ChipGrid) -> shapely.Geometry:
    found = shapes(pixels.astype(np.uint8), mask=pixels, transform=grid.transform)
    united: shapely.Geometry = shapely.union_all([to_geometry(polygon) for polygon, _ in found])
    return united


def _hint(index: PolygonIndex, boxes: Boxes) -> str:
    hemisphere = "of the other sign they would meet, so they seem to lie in the wrong hemisphere"
    west, south, east, north = boxes.T
    ways = {
        f"with latitudes {hemisphere}": (west, -north, east, -south),
        f"with longitudes {hemisphere}": (-east, south, -west, north),
        f"with both coordinates {hemisphere}": (-east, -north, -west, -south),
        "with latitude and longitude swapped they would meet: mend the order of the axes": (south, west, north, east),
    }
    for hint, mirrored in ways.items():
        if index.meets(np.column_stack(mirrored)):
            return hint
    return "check that they belong together, and that their CRS is the right one"


def _name(box: Iterable[float]) -> str:
    west, south, east, north = box
    return f"longitude {west:.3f} to {east:.3f} and latitude {south:.3f} to {north:.3f}"


def _widened(box: Box) -> Boxes:
    """The box with a margin; two boxes across the antimeridian."""
    west, south, east, north = box
    across, along = (east - west) % 360 * _MARGIN, (north - south) * _MARGIN
    return split_boxes(np.array([(west - across, south - along, east + across, north + along)]))


def _place(grid: ChipGrid, degrees: Coordinates) -> Coordinates:
    """Points in the grid's own coordinates."""
    points = degrees if grid.crs == wgs84() else _from_degrees(grid.crs)(degrees)
    if not grid.crs.is_geographic:
        return points
    left, _, right, _ = grid.bounds
    return near_meridian(points, (left + right) / 2)


@lru_cache(maxsize=256)  # finding the way takes PROJ longer than going it
def _from_degrees(crs: CRS) -> Transformation:
    return transformation(LON_LAT, crs.to_wkt())
