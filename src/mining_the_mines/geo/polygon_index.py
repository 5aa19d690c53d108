"""Which outlines lie on which chip, without comparing each with each."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.crs import CRS

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import WGS84, Box, ChipGrid
from mining_the_mines.geo.mine_polygons import LON_LAT, Geometries, MinePolygons, Transformation, transformation

Boxes = npt.NDArray[np.float64]

#: Outlines are cut off this share of a chip's edge beyond its rim: what lies far away can't always be projected.
_MARGIN = 0.25


class PolygonIndex:
    """A tree over the outlines' boxes (an R-tree, A. Guttman, 1984, packed as by S. Leutenegger et al., 1997).

    Args:
        outlines: The polygons.
    """

    def __init__(self, outlines: MinePolygons) -> None:
        self.outlines = outlines
        self._tree = shapely.STRtree(outlines.geometry)

    def touching(self, grid: ChipGrid) -> npt.NDArray[np.intp]:
        """Find the outlines whose box meets a chip's box in degrees.

        Args:
            grid: Where the chip lies.

        Returns:
            Their positions, ascending; some may miss the chip by a little.
        """
        return np.sort(self._tree.query(shapely.box(*grid.wgs84_bounds)))

    def meets(self, boxes: Boxes) -> bool:
        """Tell whether any outline's box meets any of these.

        Args:
            boxes: West, south, east and north in degrees of WGS 84, float64 (boxes, 4).

        Returns:
            Whether one does.
        """
        return bool(self._tree.query(shapely.box(*boxes.T)).size)

    def on(self, grid: ChipGrid) -> tuple[npt.NDArray[np.intp], Geometries]:
        """Bring the outlines that touch a chip into its coordinates.

        Args:
            grid: Where the chip lies.

        Returns:
            Their positions, ascending, and their polygons in the chip's own coordinate reference system, cut off some
            way beyond the chip's rim.
        """
        positions = self.touching(grid)
        nearby = shapely.clip_by_rect(self.outlines.geometry[positions], *_widened(grid.wgs84_bounds))
        if grid.crs != WGS84:
            nearby = shapely.transform(nearby, _from_degrees(grid.crs))
        corners = ((0, 0), (grid.width, 0), (grid.width, grid.height), (0, grid.height))
        footprint = shapely.Polygon([grid.transform @ corner for corner in corners])
        shapely.prepare(footprint)
        touches = shapely.intersects(footprint, nearby)
        return positions[touches], nearby[touches]


def check_coverage(index: PolygonIndex, grids: Iterable[ChipGrid]) -> None:
    """Make sure that outlines and chips lie on the same ground.

    Args:
        index: The outlines.
        grids: Where the chips lie.

    Raises:
        BadInputError: If no outline meets any chip. The message gives both extents and, where it would help, that the
            coordinates of the outlines seem to be mirrored or swapped.
    """
    check_boxes(index, np.array([grid.wgs84_bounds for grid in grids], dtype=np.float64).reshape(-1, 4), "chip")


def check_boxes(index: PolygonIndex, boxes: Boxes, kind: str) -> None:
    """Make sure that outlines lie on some ground.

    Args:
        index: The outlines.
        boxes: West, south, east and north of each piece of ground in degrees of WGS 84, float64 (boxes, 4).
        kind: What such a piece is called.

    Raises:
        BadInputError: As :func:`check_coverage` does.
    """
    if index.meets(boxes):
        return
    extent = shapely.total_bounds(index.outlines.geometry)
    ground = (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)) if len(boxes) else (np.nan,) * 4
    raise BadInputError(
        f"No outline in {index.outlines.source} meets any {kind}: the outlines lie in {_name(extent)}, the {kind}s in "
        f"{_name(ground)}; {_hint(index, boxes)}."
    )


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


def _widened(box: Box) -> Box:
    west, south, east, north = box
    across, along = (east - west) * _MARGIN, (north - south) * _MARGIN
    return west - across, south - along, east + across, north + along


@lru_cache(maxsize=256)  # finding the way takes PROJ longer than going it
def _from_degrees(crs: CRS) -> Transformation:
    return transformation(LON_LAT, crs.to_wkt())
