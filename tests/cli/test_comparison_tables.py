"""Sentences and tables of ``kedro compare``."""

import dataclasses

import pandas as pd
import pytest

from mining_the_mines.cli.comparison_tables import show, verdict_sentence
from mining_the_mines.scoring.run_comparison import RunComparison, compare_runs
from support.scored_runs import QUICK, make_scored_run, with_other_chips


@pytest.fixture(scope="module")
def comparison() -> RunComparison:
    """A better classifier that segments worse, beside its rival."""
    better = make_scored_run("better", better=0.4, skill=0.7, parameters={"epochs": "40", "seed": "0"})
    return compare_runs([make_scored_run("first"), better], QUICK)


def printed(comparison: RunComparison, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "200")
    show(comparison, out_of_fold=True)
    return capsys.readouterr().out


def test_real_differences(comparison: RunComparison) -> None:
    told = [verdict_sentence(pair) for pair in comparison.pairs]
    classifiers = next(text for text in told if "ROC AUC" in text and "out-of-fold" in text)
    assert "150 out-of-fold chips of 30 places" in classifiers
    assert "the difference is real, and better is better" in classifiers
    segmenters = next(text for text in told if "IoU" in text and "out-of-fold" in text)
    assert "the difference is real, and better is worse" in segmenters


def test_other_chips_are_not_compared() -> None:
    comparison = compare_runs([with_other_chips(make_scored_run("first")), make_scored_run("other")], QUICK)
    told = [verdict_sentence(pair) for pair in comparison.pairs]
    assert len(told) == 4
    assert all("can't be compared" in text and "of the same name but not the same picture" in text for text in told)


def test_only_differences_are_printed(
    comparison: RunComparison, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = printed(comparison, capsys, monkeypatch)
    parameters = text.split("Parameters that differ")[1].split("Classification")[0]
    assert "epochs" in parameters
    assert "seed" not in parameters
    assert "the runs have the same code and data." in text
    assert "only 5 places" in text
    assert "Segmentation, out of fold: better − first" in text


def test_equal_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(compare_runs([make_scored_run("first"), make_scored_run("again")], QUICK), capsys, monkeypatch)
    assert text.count("agree to the last digit") == 4
    assert "again − first" not in text
    assert "As far as they are known, the runs have the same code and data and the same parameters." in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "that can be chance"),
        ({"low": float("nan"), "high": float("nan")}, "all of them lie in one place"),
        ({"value": float("nan"), "verdict": "undefined"}, "is not defined"),
    ],
)
def test_unclear_differences(comparison: RunComparison, changes: dict[str, object], words: str) -> None:
    pair = next(pair for pair in comparison.pairs if pair.task == "classification")
    row: dict[str, object] = {"metric": "roc_auc", "value": 0.1, "low": -0.1, "high": 0.2, "verdict": "unclear"}
    assert words in verdict_sentence(dataclasses.replace(pair, differences=pd.DataFrame([row | changes])))
