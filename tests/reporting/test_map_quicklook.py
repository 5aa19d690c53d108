"""A map at a glance is a small JPEG with outlines in the colours of their confidence."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mining_the_mines.reporting.confidence import CONFIDENCE_CLASSES, REVIEW_COLOUR
from mining_the_mines.reporting.map_quicklook import draw_quicklook
from mining_the_mines.reporting.overlay import Colour
from support.scene_layers import GRID, make_mines, make_visible, with_permits

GREY = np.full((3, 96, 96), 0.1, dtype=np.float32)


def decoded(picture: bytes) -> NDArray[np.int64]:
    return np.asarray(Image.open(io.BytesIO(picture), formats=["JPEG"])).astype(np.int64)


def near(pixels: NDArray[np.int64], colour: Colour) -> NDArray[np.bool_]:
    close: NDArray[np.bool_] = np.abs(pixels - np.array(colour)).max(axis=-1) < 60
    return close


def test_each_mine_is_outlined_in_the_colour_of_its_confidence() -> None:
    pixels = decoded(draw_quicklook(GREY, GRID.transform, GRID.crs, make_mines()))
    times = pixels.shape[1] // 96
    for (column, row, width, height), rank in zip(((10, 12, 20, 15), (50, 20, 12, 12)), (1, 0), strict=True):
        found = np.argwhere(near(pixels[: 96 * times], CONFIDENCE_CLASSES[rank].colour))
        assert found.min(axis=0) / times == pytest.approx((row, column), abs=0.5)
        assert found.max(axis=0) / times == pytest.approx((row + height, column + width), abs=0.5)


def test_what_is_to_be_reviewed_is_red() -> None:
    pixels = decoded(draw_quicklook(GREY, GRID.transform, GRID.crs, with_permits(make_mines())))
    times = pixels.shape[1] // 96
    found = np.argwhere(near(pixels[: 96 * times], REVIEW_COLOUR))
    assert found.mean(axis=0) / times == pytest.approx((63, 34), abs=1)


def test_mines_in_another_crs_are_drawn_where_they_lie() -> None:
    here = decoded(draw_quicklook(GREY, GRID.transform, GRID.crs, make_mines()))
    there = decoded(draw_quicklook(GREY, GRID.transform, GRID.crs, make_mines().to_crs("EPSG:4326")))
    assert np.abs(here - there).mean() < 1


@pytest.mark.parametrize("shape", [(96, 96), (300, 2400), (2400, 300), (1, 1)])
def test_no_side_is_longer_than_1200_pixels(shape: tuple[int, int]) -> None:
    visible = np.full((3, *shape), 0.1, dtype=np.float32)
    pixels = decoded(draw_quicklook(visible, GRID.transform, GRID.crs, make_mines()))
    assert max(pixels.shape) <= 1200


def test_a_map_without_mines_says_so_and_is_a_picture_too() -> None:
    without = draw_quicklook(make_visible(), GRID.transform, GRID.crs, make_mines(boxes=[], confidences=[]))
    assert decoded(without).shape[2] == 3
    assert without != draw_quicklook(make_visible(), GRID.transform, GRID.crs, make_mines())


def test_the_same_map_gives_the_same_bytes() -> None:
    first, second = (draw_quicklook(make_visible(), GRID.transform, GRID.crs, make_mines()) for _ in range(2))
    assert first == second
