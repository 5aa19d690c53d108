"""A thumbnail shows the mine and what lies around it."""

import io
from base64 import b64decode

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from rasterio.crs import CRS

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.reporting.map_thumbnails import draw_thumbnail, surroundings_of
from mining_the_mines.reporting.pictures import Stretch
from support.scene_layers import GRID, make_mines

DEGREES = ChipGrid(CRS.from_epsg(4326), Affine(1e-4, 0, 15.0, 0, -1e-4, 60.0), 96, 96)
FEET = ChipGrid(CRS.from_epsg(2264), Affine(30, 0, 1_500_000, 0, -30, 600_000), 96, 96)


def decoded(uri: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(b64decode(uri.partition(",")[2]))).convert("RGB"))


def test_a_small_mine_is_shown_with_600_metres_of_ground_around_its_middle() -> None:
    mine = make_mines().geometry[2]
    (left, bottom, right, top), metres = surroundings_of(mine, GRID)
    assert metres == pytest.approx(600)
    assert (right - left, top - bottom) == pytest.approx((600, 600))
    assert ((left + right) / 2, (bottom + top) / 2) == pytest.approx((mine.centroid.x, mine.centroid.y))


def test_a_large_mine_fits_with_a_margin() -> None:
    mine = make_mines(boxes=[(0, 0, 90, 40)], confidences=["high"]).geometry[0]
    (left, _, right, _), metres = surroundings_of(mine, GRID)
    assert metres == pytest.approx(1440)
    assert right - left == pytest.approx(1440)


def test_the_ground_is_a_square_in_degrees_and_feet_too() -> None:
    (left, bottom, right, top), metres = surroundings_of(make_mines(DEGREES).geometry[2], DEGREES)
    assert metres == pytest.approx(600)
    assert (right - left) / (top - bottom) == pytest.approx(2, rel=1e-3)
    (left, _, right, _), metres = surroundings_of(make_mines(FEET).geometry[2], FEET)
    assert right - left == pytest.approx(600 / 0.3048, rel=1e-3)
    assert metres == pytest.approx(600)


def test_the_outline_is_drawn_where_the_mine_is() -> None:
    mine = make_mines().geometry[1]
    box, _ = surroundings_of(mine, GRID)
    grey = np.full((3, 60, 60), 0.1, dtype=np.float32)
    pixels = decoded(draw_thumbnail(grey, box, mine, (255, 255, 255), Stretch(0.0, 0.2), 240)).astype(int)
    assert pixels.shape == (240, 240, 3)
    bright = np.argwhere(pixels.min(axis=-1) > 190)
    # The mine is 120 of 600 m, so 48 of 240 pixels, in the middle.
    assert bright.min(axis=0) == pytest.approx((96, 96), abs=2)
    assert bright.max(axis=0) == pytest.approx((143, 143), abs=2)
    assert pixels[120, 120].tolist() == pytest.approx([128, 128, 128], abs=6)
