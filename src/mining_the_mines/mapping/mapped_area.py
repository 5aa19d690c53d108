"""The area of a map in which it has data."""

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import shapes

from mining_the_mines.geo.mine_polygons import place_pixels


class KnownRows(NamedTuple):
    """Some rows of a map.

    Attributes:
        first_row: Number of the first of them.
        known: Whether each pixel has data, boolean (rows, width).
    """

    first_row: int
    known: NDArray[np.bool_]


def polygonize_known(blocks: Iterable[KnownRows], transform: Affine) -> shapely.Geometry:
    """Polygonize the pixels with data, a block of rows at a time.

    Args:
        blocks: Rows of the map, in any order and of any heights.
        transform: From pixel (column, row) to map coordinates.

    Returns:
        A valid polygon or multipolygon in map coordinates, along the edges of the pixels; empty if none has data.
    """
    place = partial(place_pixels, transform)
    return shapely.union_all([shapely.transform(polygon, place) for block in blocks for polygon in _polygons(block)])


def _polygons(block: KnownRows) -> Iterable[shapely.Polygon]:
    down = Affine.translation(0, block.first_row)
    for polygon, _ in shapes(block.known.astype(np.uint8), mask=block.known, connectivity=4, transform=down):
        shell, *holes = polygon["coordinates"]
        yield shapely.Polygon(shell, holes)
