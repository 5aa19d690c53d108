"""Found, missed and outlined too much can be told apart by everybody, on the right pixels."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from mining_the_mines.reporting.overlay import FALSE, HIT, MISSED, NOT_KNOWN, VERDICTS, enlarge, segmentation_overlay

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


@pytest.mark.parametrize("kind", sorted(BLINDNESS))
def test_the_three_colours_can_be_told_apart_whatever_colours_one_sees(kind: str) -> None:
    seen = []
    for verdict in VERDICTS:
        linear = (np.array(verdict.colour) / 255) ** 2.2
        seen.append(lightness_and_hue(np.clip(BLINDNESS[kind] @ linear, 0, 1)))
    assert all(np.linalg.norm(one - other) > 25 for one, other in combinations(seen, 2))


def test_the_three_colours_differ_in_lightness_for_a_page_printed_in_grey() -> None:
    lightness = sorted(lightness_and_hue((np.array(verdict.colour) / 255) ** 2.2)[0] for verdict in VERDICTS)
    assert np.diff(lightness).min() > 8


def overlay(truth: NDArray[np.uint8], predicted: NDArray[np.bool_], side: int = 320) -> NDArray[np.uint8]:
    return segmentation_overlay(np.full((*truth.shape, 3), 90, np.uint8), truth, predicted, side)


def test_each_kind_of_pixel_has_its_own_colour_and_its_own_rim() -> None:
    truth, predicted = np.zeros((32, 32), np.uint8), np.zeros((32, 32), bool)
    truth[4:12], predicted[8:16], truth[24:] = 1, True, 255
    drawn = overlay(truth, predicted)
    for verdict, row in ((MISSED, 40), (HIT, 80), (FALSE, 120)):
        assert tuple(drawn[row, 160]) == verdict.colour
        inside, ground = drawn[row + 20, 160].astype(float), drawn[200, 160].astype(float)
        colour = np.array(verdict.colour)
        assert np.linalg.norm(inside - colour) < np.linalg.norm(ground - colour)
        assert tuple(drawn[row + 20, 160]) != verdict.colour
    assert tuple(drawn[300, 160]) == NOT_KNOWN.colour


def test_the_ground_can_be_seen_through_the_fill() -> None:
    ground = np.zeros((64, 64, 3), np.uint8)
    ground[:, 32:] = 200
    drawn = segmentation_overlay(ground, np.ones((64, 64), np.uint8), np.ones((64, 64), bool), 64)
    assert drawn[32, 48].sum() > drawn[32, 16].sum() + 100


def test_what_is_unknown_is_neither_right_nor_wrong() -> None:
    drawn = overlay(np.full((8, 8), 255, np.uint8), np.ones((8, 8), bool))
    assert (drawn == NOT_KNOWN.colour[0]).all()


def test_a_mine_of_one_pixel_can_still_be_seen_on_a_large_chip() -> None:
    truth = np.zeros((256, 256), np.uint8)
    truth[100, 100] = 1
    assert (overlay(truth, np.zeros_like(truth, bool), 256) == MISSED.colour).all(axis=-1).sum() == 1


@pytest.mark.parametrize(
    ("shape", "expected"), [((64, 64), (384, 384)), ((600, 300), (384, 192)), ((50, 20), (350, 140))]
)
def test_chips_of_any_size_are_shown_at_about_one_size_in_their_own_proportions(
    shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert enlarge(np.zeros((*shape, 3), np.uint8), 384).shape[:2] == expected
    assert overlay(np.zeros(shape, np.uint8), np.zeros(shape, bool), 384).shape[:2] == expected


def test_small_chips_are_enlarged_without_inventing_colours() -> None:
    chip = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    large = enlarge(chip, 64)
    assert (large[::8, ::8] == chip).all()
    assert (large[7::8, 7::8] == chip).all()
