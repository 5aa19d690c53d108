"""Grids of regions, and windows in the resolution that bands are stored in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rasterio.transform import Affine
from rasterio.warp import transform_bounds

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.grids import NativeGrid, region_grid
from mining_the_mines.scenes.regions import Region
from mining_the_mines.sentinel2.resampling import RIM
from support.observed_requests import CORNER, EPSG

LEFT, TOP = CORNER


def region(left: float = LEFT, top: float = TOP, side: int = 96) -> GeoBox:
    return GeoBox((side, side), Affine(10, 0, left, 0, -10, top), f"EPSG:{EPSG}")


def stored(step: float, left: float = LEFT, top: float = TOP, pixels: int = 96, epsg: int = EPSG) -> GeoBox:
    """Grid of a file."""
    return GeoBox((pixels, pixels), Affine(step, 0, left, 0, -step, top), f"EPSG:{epsg}")


@pytest.mark.parametrize("step", [10, 20, 60])
def test_native_grid(step: int) -> None:
    assert NativeGrid.of(stored(step), region()) == NativeGrid(step, LEFT, TOP)


def test_nesting() -> None:
    within = NativeGrid.of(stored(60), region(LEFT + 20, TOP - 50))
    assert (within.left, within.top) == (LEFT, TOP)  # within a coarse pixel
    across = NativeGrid.of(stored(60), region(LEFT + 3))
    assert (across.step, across.left) == (10, LEFT + 3)


@pytest.mark.parametrize("other", [stored(60, epsg=32722), stored(7.5), stored(25), stored(60).flipy()])
def test_pixels_that_do_not_nest(other: GeoBox) -> None:
    assert NativeGrid.of(other, region()).step == 10


@given(
    step=st.sampled_from([10, 20, 60]),
    row=st.integers(0, 60),
    column=st.integers(0, 60),
    height=st.integers(1, 36),
    width=st.integers(1, 36),
    margin=st.sampled_from([0, 15, 40]),
)
def test_window(step: int, row: int, column: int, height: int, width: int, margin: int) -> None:
    native = NativeGrid(step, LEFT, TOP)
    fine = region()[row : row + height, column : column + width]
    window = native.window(fine, margin)
    rim = RIM if step > 10 else 0
    rows, columns = ((side - 2 * rim) * window.factor for side in window.grid.shape)
    # Each fine pixel, known by its place in the region.
    first_row = round((TOP - window.grid.transform.f) / 10) + rim * window.factor
    first_column = round((window.grid.transform.c - LEFT) / 10) + rim * window.factor
    places = np.add.outer(
        np.arange(first_row, first_row + rows) * 1000, np.arange(first_column, first_column + columns)
    )
    expected = np.add.outer(np.arange(row, row + height) * 1000, np.arange(column, column + width))
    np.testing.assert_array_equal(window.cut(places), expected)
    assert first_row * 10 <= row * 10 - margin + step
    assert (first_row + rows) * 10 >= (row + height) * 10 + margin


def test_region_grid() -> None:
    bounds = transform_bounds(f"EPSG:{EPSG}", "EPSG:4326", LEFT, TOP - 960, LEFT + 960, TOP)
    grid = region_grid(Region("here", bounds), [stored(10), stored(10, epsg=32722), stored(10)])
    assert grid.crs == f"EPSG:{EPSG}"
    assert grid.transform.a == 10


@pytest.mark.parametrize(("south", "epsg"), [(-10, 32721), (10, 32621)])
def test_files_in_degrees(south: float, epsg: int) -> None:
    degrees = GeoBox((1000, 1000), Affine(1e-4, 0, -57, 0, -1e-4, south + 0.1), "EPSG:4326")
    grid = region_grid(Region("here", (-56.98, south + 0.02, -56.95, south + 0.05)), [degrees])
    assert grid.crs == f"EPSG:{epsg}"


def test_no_scene_there() -> None:
    with pytest.raises(SceneError, match="No scene chosen for the region there meets it"):
        region_grid(Region("there", (10, 10, 11, 11)), [stored(10)])
