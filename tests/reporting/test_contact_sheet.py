"""Sheets of small pictures."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mining_the_mines.reporting.contact_sheet import Tile, draw_contact_sheet, spread


def tiles(number: int, height: int = 20, width: int = 30) -> list[Tile]:
    """Pictures in one colour each."""
    return [Tile(np.full((height, width, 3), 20 * place, np.uint8), f"tile {place}") for place in range(number)]


def opened(sheet: bytes) -> Image.Image:
    return Image.open(io.BytesIO(sheet))


def test_a_sheet_is_a_png_with_as_many_rows_as_it_needs() -> None:
    one, two = opened(draw_contact_sheet(tiles(3), 60, 3)), opened(draw_contact_sheet(tiles(4), 60, 3))
    assert one.format == "PNG"
    assert two.width == one.width
    assert two.height > 1.5 * one.height


def test_fewer_pictures_than_columns_leave_no_empty_paper() -> None:
    assert opened(draw_contact_sheet(tiles(1), 60, 3)).width < 100


def test_small_pictures_are_enlarged_and_large_ones_shrunk() -> None:
    (small, large) = (opened(draw_contact_sheet(tiles(1, size, size), 60, 1)) for size in (10, 400))
    assert small.size == large.size


@pytest.mark.parametrize("number", [1, 3, 9])
def test_paper_is_added_where_a_viewer_would_stretch_the_sheet(number: int) -> None:
    plain, fitted = (opened(draw_contact_sheet(tiles(number), 60, 3, proportion)) for proportion in (None, 1.5))
    assert fitted.width / fitted.height == pytest.approx(1.5, abs=0.02)
    assert fitted.width == plain.width or fitted.height == plain.height


def test_the_same_pictures_give_the_same_bytes() -> None:
    assert draw_contact_sheet(tiles(5), 60, 3) == draw_contact_sheet(tiles(5), 60, 3)


def test_a_long_caption_does_not_widen_the_sheet() -> None:
    (tile,) = tiles(1)
    short = opened(draw_contact_sheet([tile], 60, 1))
    long = opened(draw_contact_sheet([Tile(tile.pixels, "a very long name " * 9)], 60, 1))
    assert long.size == short.size


@given(number=st.integers(0, 500), most=st.integers(1, 20))
def test_a_few_of_many_are_spread_over_all(number: int, most: int) -> None:
    chosen = spread(number, most)
    assert len(chosen) == min(number, most)
    assert chosen == sorted(set(chosen))
    assert all(0 <= position < number for position in chosen)
    steps = np.diff(chosen)
    assert steps.size == 0 or steps.max() - steps.min() <= 1
