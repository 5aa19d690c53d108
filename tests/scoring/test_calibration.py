"""Calibration of probabilities."""

import numpy as np
import pytest

from mining_the_mines.scoring.calibration import reliability_curve
from mining_the_mines.scoring.metrics import score


def error(labels: list[int], chances: list[float]) -> float:
    return score(labels, chances, 0.5)["expected_calibration_error"]


def test_perfect_calibration() -> None:
    assert error([0, 0, 0, 1, 0, 1, 1, 1], np.repeat([0.25, 0.75], 4).tolist()) == pytest.approx(0)


def test_error_is_the_gap_weighted_by_chips() -> None:
    assert error([1, 1, 0, 0], [0.75, 0.75, 0.1, 0.1]) == pytest.approx((0.25 + 0.1) / 2)


def test_probability_of_one_falls_into_the_last_bin() -> None:
    assert reliability_curve([1, 1], [0.95, 1.0])["chips"].tolist() == [2]


def test_reliability_curve() -> None:
    curve = reliability_curve([0, 1, 1], [0.1, 0.12, 0.9])
    assert curve["mean_probability"].tolist() == pytest.approx([0.11, 0.9])
    assert curve["mine_share"].tolist() == [0.5, 1.0]
