"""Rivals see pixels that change."""

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.crs import CRS
from rasterio.features import shapes

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.scoring.change_rivals import IndexDifference, MapDifference, polygonize_change

SIDE = 10
GRID = ChipGrid(CRS.from_epsg(32721), Affine(10, 0, 500_000, 0, -10, 9_000_000), SIDE, SIDE)


def test_map_difference() -> None:
    before = np.array([[0.1, 0.9, 0.1, np.nan]], np.float32)
    after = np.array([[0.9, 0.9, 0.2, 0.9]], np.float32)
    assert MapDifference(probability=0.5).changed(before, after).tolist() == [[True, False, False, False]]


def test_index_difference() -> None:
    forest = {"B2": 0.02, "B4": 0.02, "B8": 0.3, "B11": 0.1}
    soil = {"B2": 0.08, "B4": 0.2, "B8": 0.25, "B11": 0.35}
    before = {band: np.array([[forest[band], soil[band], np.nan]], np.float32) for band in forest}
    after = {band: np.array([[soil[band], soil[band], soil[band]]], np.float32) for band in forest}
    assert IndexDifference().changed(before, after).tolist() == [[True, False, False]]


@pytest.mark.parametrize(("hectares", "count"), [(0.0, 2), (0.05, 1), (1.0, 0)])
def test_small_changes_are_dropped(hectares: float, count: int) -> None:
    changed = np.zeros((SIDE, SIDE), np.bool_)
    changed[0, 0] = True
    changed[4:8, 4:8] = True
    assert len(polygonize_change([changed], GRID, hectares)) == count


@settings(max_examples=30, deadline=None)
@given(arrays(np.bool_, (SIDE, SIDE)), st.lists(st.integers(1, SIDE - 1), unique=True))
def test_blocks_give_the_polygons_of_the_whole(changed: np.ndarray, cuts: list[int]) -> None:
    found = polygonize_change(np.split(changed, sorted(cuts)), GRID, 0.03)
    traced = shapes(changed.astype(np.uint8), mask=changed, connectivity=8, transform=GRID.transform)
    whole = [shapely.geometry.shape(shape) for shape, _ in traced]
    assert [one.wkb for one in found] == [shapely.make_valid(one).wkb for one in whole if one.area >= 300]
