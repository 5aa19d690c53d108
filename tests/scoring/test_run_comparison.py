"""Runs are compared on common chips, and differences judged by their intervals."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.scoring.bootstrap import Interval
from mining_the_mines.scoring.run_comparison import (
    PairedScores,
    ScoredRun,
    compare_runs,
    hashes_of,
    verdict_of,
)
from support.scored_runs import QUICK, make_scored_run, shuffled, with_other_chips, without_answers

FIRST = make_scored_run()


def pair_of(run: ScoredRun, task: str, split: str, rival: ScoredRun = FIRST) -> PairedScores:
    pairs = compare_runs([rival, run], QUICK).pairs
    return next(pair for pair in pairs if (pair.task, pair.split) == (task, split))


def test_equal_runs_in_any_order() -> None:
    comparison = compare_runs([FIRST, shuffled(replace(FIRST, name="again"))], QUICK)
    assert {(pair.task, pair.split) for pair in comparison.pairs} == {
        (task, split) for task in ("classification", "segmentation") for split in ("test", "out-of-fold")
    }
    assert all(pair.same for pair in comparison.pairs)
    assert comparison.made_of.empty
    assert comparison.parameters.empty


def test_better_and_worse() -> None:
    better = make_scored_run("better", better=0.4)
    difference, verdict = pair_of(better, "classification", "out-of-fold").deciding
    assert verdict == "better"
    assert 0 < difference.low <= difference.value <= difference.high
    assert pair_of(FIRST, "classification", "out-of-fold", rival=better).deciding[1] == "worse"


def test_worse_segmentation() -> None:
    pair = pair_of(make_scored_run("worse", skill=0.7), "segmentation", "out-of-fold")
    assert pair.deciding[1] == "worse"
    verdicts = pair.differences.set_index("metric")["verdict"]
    assert verdicts["area_bias_hectares"] == "higher"
    assert verdicts["area_error_hectares"] == "worse"


def test_unclear_difference() -> None:
    assert FIRST.predictions is not None
    noise = np.random.default_rng(0).normal(0, 0.02, len(FIRST.predictions))
    chance = (FIRST.predictions["probability"] + noise).clip(0, 1)
    other = replace(FIRST, name="noisy", predictions=FIRST.predictions.assign(probability=chance))
    assert pair_of(other, "classification", "out-of-fold").deciding[1] == "unclear"


def test_other_pictures_are_not_compared() -> None:
    pair = pair_of(with_other_chips(replace(FIRST, name="other")), "classification", "test")
    assert "no chip of this split in common" in pair.obstacle
    assert pair.left_out == {"of the same name but not the same picture": 30}
    assert pair.differences.empty
    assert not pair.same


def test_common_chips_are_compared() -> None:
    half = with_other_chips(replace(FIRST, name="half"), 0.5)
    pair = pair_of(half, "classification", "out-of-fold")
    assert not pair.obstacle
    assert pair.same
    assert pair.chips + pair.left_out["of the same name but not the same picture"] == 150


def test_chips_with_another_truth_are_left_out() -> None:
    assert FIRST.predictions is not None
    assert FIRST.chip_measures is not None
    table, chip_measures = FIRST.predictions.copy(), FIRST.chip_measures.copy()
    corrected = table["filename"] == table["filename"].iloc[0]
    table.loc[corrected, "label"] = 1 - table.loc[corrected, "label"]
    chip_measures.loc[chip_measures.index[0], "false_negative"] += 1
    other = replace(FIRST, name="other", predictions=table, chip_measures=chip_measures)
    for task in ("classification", "segmentation"):
        assert pair_of(other, task, "out-of-fold").left_out == {"with another truth": 1}


def test_chips_of_another_split_are_left_out() -> None:
    assert FIRST.predictions is not None
    tested = FIRST.predictions[FIRST.predictions["fold"].isna()]
    moved = FIRST.predictions["filename"].isin(tested["filename"].iloc[:4])
    table = FIRST.predictions.assign(fold=FIRST.predictions["fold"].mask(moved, 0))
    pair = pair_of(replace(FIRST, name="other", predictions=table), "classification", "test")
    assert pair.chips == 26
    assert pair.left_out == {"in this split of one run only": 4}


def test_run_without_scores_of_chips() -> None:
    pairs = compare_runs([FIRST, without_answers(replace(FIRST, name="failed"))], QUICK).pairs
    assert pairs
    assert {pair.obstacle for pair in pairs} == {"failed has kept no scores of single chips"}


def test_without_an_inventory_nothing_is_compared() -> None:
    pair = pair_of(replace(FIRST, name="other", chip_hashes={}), "segmentation", "test")
    assert "inventory" in pair.obstacle


def test_chosen_models_are_compared() -> None:
    pair = pair_of(replace(FIRST, name="other", chosen="trees"), "classification", "out-of-fold")
    assert (pair.model, pair.rival_model) == ("trees", "blend")
    assert pair.deciding[1] == "worse"


def test_earlier_run_that_calls_its_trees_baseline() -> None:
    assert FIRST.predictions is not None
    earlier = replace(
        FIRST,
        name="earlier",
        chosen="baseline",
        predictions=FIRST.predictions.replace({"model": {"trees": "baseline"}}),
        thresholds={**FIRST.thresholds, "baseline": FIRST.thresholds["trees"]},
    )
    pair = pair_of(replace(FIRST, chosen="trees"), "classification", "out-of-fold", rival=earlier)
    assert (pair.model, pair.rival_model) == ("trees", "baseline")
    assert pair.same


def test_one_run() -> None:
    for runs in ([FIRST], [FIRST, FIRST]):
        with pytest.raises(ValueError, match="each under a name of its own"):
            compare_runs(runs, QUICK)


def test_differing_and_partial_facts() -> None:
    facts = ({"seed": "0", "epochs": "20", "old": "x", "new": "1"}, {"seed": "0", "epochs": "40"}, {"new": "2"})
    found = compare_runs([ScoredRun(name, parameters=of) for name, of in zip("abc", facts, strict=True)], QUICK)
    assert found.parameters.to_dict("records") == [
        {"name": "epochs", "a": "20", "b": "40", "c": None},
        {"name": "new", "a": "1", "b": None, "c": "2"},
    ]
    assert found.parameters_of_some.to_dict("records") == [
        {"name": "old", "a": "x", "b": None, "c": None},
        {"name": "seed", "a": "0", "b": "0", "c": None},
    ]


def test_equal_numbers_in_another_notation() -> None:
    runs = [ScoredRun(name, parameters={"pixel": pixel}) for name, pixel in (("a", "10"), ("b", "10.0"))]
    assert compare_runs(runs, QUICK).parameters.empty


@pytest.mark.parametrize(
    ("metric", "difference", "verdict"),
    [
        ("f1", Interval(np.nan, np.nan, np.nan), "undefined"),
        ("f1", Interval(0.1, np.nan, np.nan), "unclear"),
        ("f1", Interval(0.1, 0.0, 0.2), "unclear"),
        ("f1", Interval(0.0, 0.0, 0.0), "same"),
        ("brier", Interval(0.1, 0.05, 0.2), "worse"),
        ("area_bias_share", Interval(-0.1, -0.2, -0.05), "lower"),
    ],
)
def test_a_verdict_is_read_from_the_interval(metric: str, difference: Interval, verdict: str) -> None:
    assert verdict_of(metric, difference) == verdict


def test_unreadable_chips_have_no_hash() -> None:
    manifest = pd.DataFrame({"filename": ["a.tif", "b.tif"], "sha256": ["0" * 64, None]})
    assert hashes_of(manifest) == {"a.tif": "0" * 64}
