"""The area of a map with data."""

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from rasterio.features import rasterize

from mining_the_mines.mapping.scene_map import KnownRows, polygonize_known

GRID = Affine(10, 0, 680_000, 0, -10, 9_180_000)


@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)), st.integers(1, 5))
def test_area_is_independent_of_blocks(known: NDArray[np.bool_], height: int) -> None:
    blocks = [KnownRows(first, known[first : first + height]) for first in range(0, len(known), height)]
    area = polygonize_known(blocks, GRID)
    assert shapely.is_valid(area)
    assert shapely.area(area) == pytest.approx(100 * known.sum())
    assert shapely.equals(area, polygonize_known([KnownRows(0, known)], GRID))
    if known.any():
        drawn = rasterize([area], out_shape=known.shape, transform=GRID)
        assert (drawn == known).all()


def test_map_without_data_has_no_area() -> None:
    assert shapely.is_empty(polygonize_known([KnownRows(0, np.zeros((3, 3), dtype=np.bool_))], GRID))
    assert shapely.is_empty(polygonize_known([], GRID))
