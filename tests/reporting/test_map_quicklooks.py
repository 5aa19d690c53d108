"""Quicklooks and thumbnails show mines where they lie."""

import io
from base64 import b64decode

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from rasterio.crs import CRS

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.reporting.map_pictures import CONFIDENCE_CLASSES, REVIEW_COLOUR
from mining_the_mines.reporting.map_quicklooks import draw_quicklook, draw_thumbnail, surroundings_of
from mining_the_mines.reporting.pictures import Colour, Stretch
from support.scene_layers import GRID, make_mines, with_permits

GREY = np.full((3, 96, 96), 0.1, dtype=np.float32)
DEGREES = ChipGrid(CRS.from_epsg(4326), Affine(1e-4, 0, 15.0, 0, -1e-4, 60.0), 96, 96)
FEET = ChipGrid(CRS.from_epsg(2264), Affine(30, 0, 1_500_000, 0, -30, 600_000), 96, 96)


def decoded(picture: bytes) -> NDArray[np.int64]:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(np.int64)


def near(pixels: NDArray[np.int64], colour: Colour) -> NDArray[np.bool_]:
    close: NDArray[np.bool_] = np.abs(pixels - np.array(colour)).max(axis=-1) < 60
    return close


def test_quicklook_draws_confidence() -> None:
    pixels = decoded(draw_quicklook(GREY, GRID.transform, GRID.crs, make_mines()))
    times = pixels.shape[1] // 96
    for (column, row, width, height), rank in zip(((10, 12, 20, 15), (50, 20, 12, 12)), (1, 0), strict=True):
        found = np.argwhere(near(pixels[: 96 * times], CONFIDENCE_CLASSES[rank].colour))
        assert found.min(axis=0) / times == pytest.approx((row, column), abs=0.5)
        assert found.max(axis=0) / times == pytest.approx((row + height, column + width), abs=0.5)


def test_quicklook_draws_mines_to_review_in_red() -> None:
    pixels = decoded(draw_quicklook(GREY, GRID.transform, GRID.crs, with_permits(make_mines())))
    times = pixels.shape[1] // 96
    found = np.argwhere(near(pixels[: 96 * times], REVIEW_COLOUR))
    assert found.mean(axis=0) / times == pytest.approx((63, 34), abs=1)


def test_surroundings_in_degrees_and_feet() -> None:
    (left, bottom, right, top), metres = surroundings_of(make_mines(DEGREES).geometry[2], DEGREES)
    assert metres == pytest.approx(600)
    assert (right - left) / (top - bottom) == pytest.approx(2, rel=1e-3)
    (left, _, right, _), metres = surroundings_of(make_mines(FEET).geometry[2], FEET)
    assert right - left == pytest.approx(600 / 0.3048, rel=1e-3)
    assert metres == pytest.approx(600)


def test_thumbnail_draws_the_polygon() -> None:
    mine = make_mines().geometry[1]
    box, _ = surroundings_of(mine, GRID)
    grey = np.full((3, 60, 60), 0.1, dtype=np.float32)
    pixels = decoded(
        b64decode(draw_thumbnail(grey, box, mine, (255, 255, 255), Stretch(0.0, 0.2), 240).partition(",")[2])
    )
    assert pixels.shape == (240, 240, 3)
    bright = np.argwhere(pixels.min(axis=-1) > 190)
    # The mine is 120 of 600 m, so 48 of 240 pixels, in the middle.
    assert bright.min(axis=0) == pytest.approx((96, 96), abs=2)
    assert bright.max(axis=0) == pytest.approx((143, 143), abs=2)
    assert pixels[120, 120].tolist() == pytest.approx([128, 128, 128], abs=6)
