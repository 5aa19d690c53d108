"""Maps of clear dates can be read, and what has no data shows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining_the_mines.reporting.composite_pictures import clear_date_map, count_classes, photograph
from mining_the_mines.reporting.pictures import Stretch


@given(most=st.integers(0, 500))
def test_classes_hold_every_number_once_and_are_few(most: int) -> None:
    classes = count_classes(most)
    numbers = [number for found in classes for number in range(found.low, found.high + 1)]
    assert numbers == list(range(1, most + 1))
    assert len(classes) <= 6
    assert len({found.css for found in classes}) == len(classes)


@given(most=st.integers(2, 500))
def test_more_clear_dates_are_lighter(most: int) -> None:
    brightness = [np.dot(found.colour, (0.2126, 0.7152, 0.0722)) for found in count_classes(most)]
    assert brightness == sorted(brightness)


@pytest.mark.parametrize(
    ("most", "titles"),
    [(1, ["1 clear date"]), (3, ["1 clear date", "2 clear dates", "3 clear dates"]), (7, ["1–2 clear dates"])],
)
def test_the_legend_names_the_numbers(most: int, titles: list[str]) -> None:
    assert [found.title for found in count_classes(most)][: len(titles)] == titles


def test_every_pixel_of_a_map_has_the_colour_of_its_class() -> None:
    classes = count_classes(9)
    drawn = clear_date_map(np.array([[1, 2, 9]], dtype=np.uint16), classes)
    assert drawn[0, 0].tolist() == drawn[0, 1].tolist() == list(classes[0].colour)
    assert drawn[0, 2].tolist() == list(classes[-1].colour)


def test_pixels_without_a_clear_date_are_hatched_in_greys_that_no_class_has() -> None:
    drawn = clear_date_map(np.zeros((16, 16), dtype=np.uint16), count_classes(0))
    assert {tuple(pixel) for pixel in drawn.reshape(-1, 3).tolist()} == {(118, 118, 118), (170, 170, 170)}


def test_pixels_without_data_in_any_band_are_hatched_in_the_photograph() -> None:
    visible = np.full((3, 8, 8), 0.1, dtype=np.float32)
    visible[1, :4] = np.nan
    shown = photograph(visible, Stretch(0.0, 0.2))
    assert set(shown[:4].ravel().tolist()) == {118, 170}
    assert set(shown[4:].ravel().tolist()) == {128}
