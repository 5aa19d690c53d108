"""Where a map says something: the ground that its pixels with data cover."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import shapes


class KnownRows(NamedTuple):
    """Some rows of a map.

    Attributes:
        first_row: Number of the first of them.
        known: Whether each pixel has data, boolean (rows, width).
    """

    first_row: int
    known: NDArray[np.bool_]


def outline_known(blocks: Iterable[KnownRows], transform: Affine) -> shapely.Geometry:
    """Outline the ground on which a map can be right or wrong, a block of rows at a time.

    Args:
        blocks: Rows of the map, in any order and of any heights.
        transform: From pixel (column, row) to map coordinates.

    Returns:
        A valid polygon or multipolygon in map coordinates, along the edges of the pixels; empty if none has data.
    """
    pieces = [_place(outline, transform) for block in blocks for outline in _outlines(block)]
    return shapely.union_all(pieces)


def _outlines(block: KnownRows) -> Iterable[shapely.Polygon]:
    down = Affine.translation(0, block.first_row)
    for outline, _ in shapes(block.known.astype(np.uint8), mask=block.known, connectivity=4, transform=down):
        shell, *holes = outline["coordinates"]
        yield shapely.Polygon(shell, holes)


def _place(outline: shapely.Polygon, transform: Affine) -> shapely.Polygon:
    def to_map(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        columns, rows = pixels[:, 0], pixels[:, 1]
        east = transform.a * columns + transform.b * rows + transform.c
        return np.column_stack((east, transform.d * columns + transform.e * rows + transform.f))

    return shapely.transform(outline, to_map)
