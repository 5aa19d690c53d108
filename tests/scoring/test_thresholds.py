"""Thresholds serve their objective and see out-of-fold predictions only."""

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from mining_the_mines.scoring.metrics import score
from mining_the_mines.scoring.thresholds import ThresholdSettings, choose_threshold, choose_thresholds
from support.predictions import make_chips, make_table


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_no_threshold_beats_the_chosen_one_on_f1(seed: int) -> None:
    _, labels, chances = make_chips(6, seed=seed)
    if labels.min() == labels.max():
        return
    chosen = choose_threshold(labels, chances, ThresholdSettings())
    best = max(f1_score(labels, chances >= level) for level in chances)
    assert f1_score(labels, chances >= chosen) == pytest.approx(best)


def test_the_threshold_lies_midway_between_neighbouring_probabilities() -> None:
    assert choose_threshold([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.9], ThresholdSettings()) == pytest.approx(0.4)


def test_tiny_numerical_differences_do_not_move_a_chip_across_the_threshold() -> None:
    _, labels, chances = make_chips(20)
    chosen = choose_threshold(labels, chances, ThresholdSettings())
    shaken = chances + np.random.default_rng(0).normal(0, 1e-9, chances.size)
    again = choose_threshold(labels, shaken, ThresholdSettings())
    assert ((chances >= chosen) == (shaken >= again)).all()


def test_with_a_precision_floor_as_many_mines_as_possible_are_found_above_it() -> None:
    labels = [1, 1, 0, 1, 0, 0]
    chances = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    floor = ThresholdSettings(objective="precision_floor", precision_floor=0.75)
    figures = score(labels, chances, choose_threshold(labels, chances, floor))
    assert (figures["precision"], figures["recall"]) == (0.75, 1.0)


def test_a_floor_out_of_reach_is_said_and_the_highest_precision_is_used(caplog: pytest.LogCaptureFixture) -> None:
    floor = ThresholdSettings(objective="precision_floor", precision_floor=0.99)
    with caplog.at_level(logging.WARNING):
        chosen = choose_threshold([0, 1, 1, 0], [0.9, 0.8, 0.7, 0.2], floor)
    assert "No threshold reaches" in caplog.text
    assert score([0, 1, 1, 0], [0.9, 0.8, 0.7, 0.2], chosen)["precision"] == pytest.approx(2 / 3)


def test_the_test_split_has_no_say_in_the_threshold() -> None:
    table = make_table()
    spoiled = table.copy()
    spoiled.loc[spoiled["fold"].isna(), "probability"] = 0.999
    assert choose_thresholds(table, ThresholdSettings()) == choose_thresholds(spoiled, ThresholdSettings())


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="label chips of the other class"):
        choose_threshold([1, 1], [0.2, 0.4], ThresholdSettings())


def test_a_model_without_out_of_fold_predictions_is_refused_by_name() -> None:
    table = make_table(models=("blend",))
    with pytest.raises(ValueError, match="blend has no out-of-fold"):
        choose_thresholds(table[table["fold"].isna()], ThresholdSettings())
