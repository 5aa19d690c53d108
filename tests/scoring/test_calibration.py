"""Promised probabilities against what came true."""

import numpy as np
import pytest

from mining_the_mines.scoring.calibration import expected_calibration_error, reliability_curve


def test_promises_kept_exactly_have_no_calibration_error() -> None:
    chances = np.repeat([0.25, 0.75], 4)
    assert expected_calibration_error([0, 0, 0, 1, 0, 1, 1, 1], chances) == pytest.approx(0)


def test_the_calibration_error_is_the_gap_weighted_by_chips() -> None:
    assert expected_calibration_error([1, 1, 0, 0], [0.75, 0.75, 0.1, 0.1]) == pytest.approx((0.25 + 0.1) / 2)


def test_a_probability_of_one_falls_into_the_last_bin() -> None:
    assert reliability_curve([1, 1], [0.95, 1.0])["chips"].tolist() == [2]


def test_the_reliability_curve_compares_promise_and_outcome_by_bin() -> None:
    curve = reliability_curve([0, 1, 1], [0.1, 0.12, 0.9])
    assert curve["mean_probability"].tolist() == pytest.approx([0.11, 0.9])
    assert curve["mine_share"].tolist() == [0.5, 1.0]
