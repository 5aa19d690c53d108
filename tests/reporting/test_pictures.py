"""Pictures of chips and composites show what they should, in colours that everybody can tell apart."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mining_the_mines.reporting.pictures import (
    FALSE,
    HIT,
    MISSED,
    NOT_KNOWN,
    Stretch,
    clear_date_map,
    count_classes,
    enlarge,
    fit_overlay,
    hatched_true_colour,
    true_colour,
)
from support.reports import make_chip

#: Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency, 2009.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def lightness_and_hue(colour: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB (D65) of linear sRGB."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.clip(to_xyz @ colour, 1e-6, None) / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_true_colour_keeps_brightness_and_hue() -> None:
    shown = true_colour(make_chip(0, 64, mine=True))
    assert shown.shape == (64, 64, 3)
    brightest = np.unravel_index(shown.sum(axis=-1).argmax(), shown.shape[:2])
    red, green, blue = shown[brightest].astype(int)
    assert red >= green >= blue


def test_nodata_does_not_spoil_the_stretch() -> None:
    chip = make_chip(0, 64, mine=True)
    holed = chip.copy()
    holed[:, :4] = np.nan
    assert (true_colour(holed)[:4] == 128).all()
    assert np.abs(true_colour(holed)[8:].astype(int) - true_colour(chip)[8:]).mean() < 12


@pytest.mark.parametrize("kind", sorted(BLINDNESS))
def test_colours_differ_for_the_colour_blind(kind: str) -> None:
    seen = []
    for colour in (HIT, FALSE, MISSED):
        linear = (np.array(colour) / 255) ** 2.2
        seen.append(lightness_and_hue(np.clip(BLINDNESS[kind] @ linear, 0, 1)))
    assert all(np.linalg.norm(one - other) > 25 for one, other in combinations(seen, 2))


def overlay(truth: NDArray[np.uint8], predicted: NDArray[np.bool_], side: int = 320) -> NDArray[np.uint8]:
    return fit_overlay(np.full((*truth.shape, 3), 90, np.uint8), truth, predicted, side)


def test_each_kind_of_pixel_has_colour_and_rim() -> None:
    truth, predicted = np.zeros((32, 32), np.uint8), np.zeros((32, 32), bool)
    truth[4:12], predicted[8:16], truth[24:] = 1, True, 255
    drawn = overlay(truth, predicted)
    for paint, row in ((MISSED, 40), (HIT, 80), (FALSE, 120)):
        assert tuple(drawn[row, 160]) == paint
        inside, ground = drawn[row + 20, 160].astype(float), drawn[200, 160].astype(float)
        colour = np.array(paint)
        assert np.linalg.norm(inside - colour) < np.linalg.norm(ground - colour)
        assert tuple(drawn[row + 20, 160]) != paint
    assert tuple(drawn[300, 160]) == NOT_KNOWN


def test_unknown_pixels() -> None:
    drawn = overlay(np.full((8, 8), 255, np.uint8), np.ones((8, 8), bool))
    assert (drawn == NOT_KNOWN[0]).all()


@pytest.mark.parametrize(
    ("shape", "expected"), [((64, 64), (384, 384)), ((600, 300), (384, 192)), ((50, 20), (350, 140))]
)
def test_size_of_chips(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert enlarge(np.zeros((*shape, 3), np.uint8), 384).shape[:2] == expected
    assert overlay(np.zeros(shape, np.uint8), np.zeros(shape, bool), 384).shape[:2] == expected


@given(most=st.integers(0, 500))
def test_classes_hold_every_number_once(most: int) -> None:
    classes = count_classes(most)
    numbers = [number for found in classes for number in range(found.low, found.high + 1)]
    assert numbers == list(range(1, most + 1))
    assert len(classes) <= 6
    assert len({found.colour for found in classes}) == len(classes)


def test_pixels_have_the_colour_of_their_class() -> None:
    classes = count_classes(9)
    drawn = clear_date_map(np.array([[1, 2, 9]], dtype=np.uint16), classes)
    assert drawn[0, 0].tolist() == drawn[0, 1].tolist() == list(classes[0].colour)
    assert drawn[0, 2].tolist() == list(classes[-1].colour)


def test_pixels_without_a_clear_date_are_hatched() -> None:
    drawn = clear_date_map(np.zeros((16, 16), dtype=np.uint16), count_classes(0))
    assert {tuple(pixel) for pixel in drawn.reshape(-1, 3).tolist()} == {(118, 118, 118), (170, 170, 170)}


def test_pixels_without_data_are_hatched() -> None:
    visible = np.full((3, 8, 8), 0.1, dtype=np.float32)
    visible[1, :4] = np.nan
    shown = hatched_true_colour(visible, Stretch(0.0, 0.2))
    assert set(shown[:4].ravel().tolist()) == {118, 170}
    assert set(shown[4:].ravel().tolist()) == {128}
