"""Calibration of log-odds, and thresholds and shares from calibrated probabilities."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from mining_the_mines.scoring.calibration import (
    Calibration,
    best_expected_f1,
    calibrate,
    calibrate_at_home,
    estimate_share,
)


def drawn(chips: int, scale: float, shift: float, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log-odds and labels of a model that is off by a scale and a shift."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(0, 2, chips)
    return log_odds, (random.random(chips) < expit(scale * log_odds + shift)).astype(np.float64)


def test_scale_and_shift_of_many_labels() -> None:
    log_odds, labels = drawn(5000, 0.5, -1.0)
    found = calibrate(log_odds, labels, np.ones(5000), 10.0, 10.0)
    assert found.scale == pytest.approx(0.5, abs=0.08)
    assert found.shift == pytest.approx(-1.0, abs=0.1)


def test_few_labels_move_little() -> None:
    log_odds, labels = drawn(6, 0.5, -1.0)
    found = calibrate(log_odds, labels, np.ones(6), 0.3, 1.0)
    assert 0.5 < found.scale < 1.5
    assert abs(found.shift) < 2
    nothing = calibrate(log_odds, labels, np.zeros(6), 0.3, 1.0)
    assert (nothing.scale, nothing.shift) == (1, 0)


def test_weights_count_chips() -> None:
    log_odds, labels = drawn(20, 1.0, 0.5)
    twice = calibrate(log_odds, labels, np.full(20, 2.0), 1.0, 1.0)
    doubled = calibrate(np.tile(log_odds, 2), np.tile(labels, 2), np.ones(40), 1.0, 1.0)
    assert twice.scale == pytest.approx(doubled.scale)


def test_one_class_stays_finite() -> None:
    found = calibrate(np.linspace(-9, 9, 10), np.ones(10), np.ones(10), 0.3, 1.0)
    assert np.isfinite([found.scale, found.shift]).all()


def test_calibration_after_another() -> None:
    first, second = Calibration(scale=2, shift=1), Calibration(scale=0.5, shift=-1)
    odds = np.array([-1.0, 0.0, 3.0])
    np.testing.assert_allclose(second.after(first).apply(odds), second.apply(2 * odds + 1))


def test_home() -> None:
    log_odds, labels = drawn(2000, 1.5, 1.0)
    home = calibrate_at_home(expit(log_odds), labels.astype(np.int64))
    assert home.scale == pytest.approx(1.5, abs=0.2)
    assert home.share == labels.mean()


def test_threshold_of_expected_f1() -> None:
    """With certain chips alone it lies between them; it is half of the best F1 where chips are many."""
    assert best_expected_f1(np.array([0.99, 0.98, 0.01]), np.ones(3)) == pytest.approx(0.495)
    log_odds, labels = drawn(4000, 1.0, -1.0)
    chance = expit(log_odds - 1.0)
    threshold = best_expected_f1(chance, np.ones(4000))
    found = ((chance >= threshold) * labels).sum()
    best = 2 * found / ((chance >= threshold).sum() + labels.sum())
    assert threshold == pytest.approx(best / 2, abs=0.03)


def test_share_from_predictions_alone() -> None:
    """Mines look alike in both places, and are rarer in one."""
    random = np.random.default_rng(1)
    mines = random.random(4000) < 0.1
    log_odds = random.normal(np.where(mines, 2.0, -2.0), 2.0)  # these are log-odds at a share of a half
    assert estimate_share(log_odds, np.ones(4000), 0.5) == pytest.approx(0.1, abs=0.02)
