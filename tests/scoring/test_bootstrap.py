"""Intervals cover the truth and follow the places."""

import numpy as np
import pytest

from mining_the_mines.scoring.bootstrap import BootstrapSettings, bootstrap_intervals, paired_difference
from mining_the_mines.scoring.metrics import weighted_scores
from support.predictions import make_chips

FEW = BootstrapSettings(resamples=100)


def test_coverage() -> None:
    _, labels, chances = make_chips(40_000, seed=1)
    names = ("f1", "roc_auc", "brier")
    truth = {
        name: of[0] for name, of in weighted_scores(labels, chances, 0.5, names)(np.ones((1, labels.size))).items()
    }
    hits = dict.fromkeys(names, 0)
    for seed in range(60):
        places, labels, chances = make_chips(60, seed=seed + 10)
        intervals = bootstrap_intervals(weighted_scores(labels, chances, 0.5, names), places, FEW)
        for name in names:
            hits[name] += intervals[name].low <= truth[name] <= intervals[name].high
    assert all(0.85 <= hit / 60 <= 1 for hit in hits.values()), hits


def test_places_give_wider_intervals() -> None:
    places, labels, chances = make_chips(30, chips_a_place=10)
    scorer = weighted_scores(labels, chances, 0.5, ("f1",))
    by_place = bootstrap_intervals(scorer, places, FEW)["f1"]
    by_chip = bootstrap_intervals(scorer, np.arange(places.size), FEW)["f1"]
    assert by_place.high - by_place.low > 1.2 * (by_chip.high - by_chip.low)


def test_reproducible_in_any_order() -> None:
    places, labels, chances = make_chips(12)
    order = np.random.default_rng(0).permutation(places.size)
    once = bootstrap_intervals(weighted_scores(labels, chances, 0.5), places, FEW)
    again = bootstrap_intervals(weighted_scores(labels[order], chances[order], 0.5), places[order], FEW)
    for name, interval in once.items():
        assert again[name] == pytest.approx(interval)


def test_undefined_resamples_are_left_out() -> None:
    scorer = weighted_scores([1, 1, 0, 0], [0.9, 0.4, 0.5, 0.1], 0.5, ("roc_auc",))
    interval = bootstrap_intervals(scorer, ["a", "b", "c", "d"], FEW)["roc_auc"]
    assert np.isfinite(interval).all()
    assert interval.low <= interval.value <= interval.high


def test_one_place_has_no_interval() -> None:
    scorer = weighted_scores([1, 0], [0.9, 0.1], 0.5, ("f1",))
    interval = bootstrap_intervals(scorer, ["a", "a"], FEW)["f1"]
    assert interval.value == 1
    assert np.isnan(interval[1:]).all()


def test_mostly_undefined_figure() -> None:
    scorer = weighted_scores([1, 0, 0, 0], [0.9, 0.6, 0.5, 0.1], 0.95, ("precision",))
    assert np.isnan(bootstrap_intervals(scorer, ["a", "b", "c", "d"], FEW)["precision"].low)


def test_perfect_score_is_not_certain() -> None:
    scorer = weighted_scores([1, 1, 1, 0, 0], [0.9, 0.8, 0.7, 0.2, 0.1], 0.5, ("recall",))
    interval = bootstrap_intervals(scorer, list("abcde"), FEW)["recall"]
    assert interval.high == 1
    assert interval.low == pytest.approx(0.025 ** (1 / 3))


@pytest.mark.parametrize(("chances", "value"), [([0.9, 0.8, 0.7, 0.2, 0.1], 1.0), ([0.1, 0.2, 0.3, 0.8, 0.9], -1.0)])
def test_extreme_correlation_is_not_certain(chances: list[float], value: float) -> None:
    scorer = weighted_scores([1, 1, 1, 0, 0], chances, 0.5, ("mcc",))
    places = list("abcde")
    interval = bootstrap_intervals(scorer, places, FEW)["mcc"]
    far = 2 * 0.025 ** (1 / 2) - 1  # two places hold the rarer class; 0 to 1 is stretched to -1 to 1
    assert list(interval) == pytest.approx([1, far, 1] if value == 1 else [-1, -1, -far])


def test_zero_score_is_not_certain() -> None:
    scorer = weighted_scores([1, 1, 0], [0.1, 0.2, 0.1], 0.5, ("recall",))
    interval = bootstrap_intervals(scorer, list("abc"), FEW)["recall"]
    assert list(interval) == pytest.approx([0, 0, 1 - 0.025**0.5])


def test_figure_raised_by_noise() -> None:
    places, labels, chances = make_chips(15)
    scorer = weighted_scores(labels, chances, 0.5, ("expected_calibration_error",))
    (value, low, high) = bootstrap_intervals(scorer, places, FEW)["expected_calibration_error"]
    assert 0 <= low <= value <= high
    assert value - low > high - value


def test_difference_to_itself() -> None:
    places, labels, chances = make_chips(12)
    scorer = weighted_scores(labels, chances, 0.5)
    assert set(paired_difference(scorer, scorer, places, FEW).values()) == {(0, 0, 0)}


def test_paired_intervals_are_narrower() -> None:
    places, labels, chances = make_chips(40)
    better = chances + 0.06 * (labels - 0.5)
    better = np.clip(better, 0, 1)
    ours, theirs = (weighted_scores(labels, of, 0.5, ("roc_auc",)) for of in (better, chances))
    single = bootstrap_intervals(ours, places, FEW)["roc_auc"], bootstrap_intervals(theirs, places, FEW)["roc_auc"]
    assert single[0].low < single[1].high
    assert paired_difference(ours, theirs, places, FEW)["roc_auc"].low > 0


def test_chip_without_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        bootstrap_intervals(weighted_scores([1, 0], [0.9, 0.1], 0.5), np.array(["a", None]), FEW)
