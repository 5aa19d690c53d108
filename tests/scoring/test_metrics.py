"""Metrics equal scikit-learn's, weighted or not; the threshold curve agrees with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from sklearn import metrics as sk

from mining_the_mines.scoring.metrics import CONFUSION, METRICS, MetricName, score, weighted_scores
from mining_the_mines.scoring.thresholds import threshold_curve
from support.predictions import make_chips

LABELS = np.array([1, 0, 1, 1, 0, 0, 1, 0, 0, 0])
CHANCES = np.array([0.9, 0.8, 0.7, 0.4, 0.4, 0.3, 0.2, 0.2, 0.1, 0.0])


def test_scores_equal_scikit_learn() -> None:
    figures = score(LABELS, CHANCES, 0.4)
    calls = CHANCES >= 0.4
    assert set(figures) == {*METRICS, *CONFUSION}
    assert figures["f1"] == pytest.approx(sk.f1_score(LABELS, calls))
    assert figures["precision"] == pytest.approx(sk.precision_score(LABELS, calls))
    assert figures["recall"] == pytest.approx(sk.recall_score(LABELS, calls))
    assert figures["roc_auc"] == pytest.approx(sk.roc_auc_score(LABELS, CHANCES))
    assert figures["average_precision"] == pytest.approx(sk.average_precision_score(LABELS, CHANCES))
    assert figures["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(LABELS, calls))
    assert figures["mcc"] == pytest.approx(sk.matthews_corrcoef(LABELS, calls))
    assert figures["log_loss"] == pytest.approx(sk.log_loss(LABELS, CHANCES))
    assert figures["brier"] == pytest.approx(sk.brier_score_loss(LABELS, CHANCES))
    assert [figures[name] for name in CONFUSION] == [4, 2, 1, 3]


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20), st.integers(0, 3)), min_size=2, max_size=40),
    st.floats(0.05, 0.95),
)
def test_weights_equal_repetition(chips: list[tuple[int, int, int]], threshold: float) -> None:
    labels, chances, weights = (np.array(column, dtype=np.float64) for column in zip(*chips, strict=True))
    labels, chances = labels.astype(np.int64), chances / 20
    kept = weights > 0
    if len(np.unique(labels[kept])) < 2:
        return
    figures = weighted_scores(labels, chances, threshold)(weights[np.newaxis])
    repeated = np.repeat(np.arange(len(labels)), weights.astype(int))
    expected = score(labels[repeated], chances[repeated], threshold)
    for name in METRICS:
        assert figures[name][0] == pytest.approx(expected[name], nan_ok=True, abs=1e-12)
    assert figures["roc_auc"][0] == pytest.approx(sk.roc_auc_score(labels, chances, sample_weight=weights), abs=1e-12)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_ranking(label: int) -> None:
    labels = np.full(3, label)
    figures = score(labels, [0.2, 0.6, 0.9], 0.5)
    assert np.isnan(figures["roc_auc"])
    assert np.isnan(figures["average_precision"])
    assert figures["accuracy"] == pytest.approx(2 / 3 if label else 1 / 3)
    weighted = weighted_scores(labels, [0.2, 0.6, 0.9], 0.5)(np.ones((1, 3)))
    for name in METRICS:
        assert weighted[name][0] == pytest.approx(figures[name], nan_ok=True)


def test_precision_without_alarms() -> None:
    assert np.isnan(score([0, 1], [0.1, 0.2], 0.5)["precision"])


@pytest.mark.parametrize(
    ("labels", "chances", "complaint"),
    [
        ([], [], "at least one chip"),
        ([0, 1], [0.5], "one of each"),
        ([0, 2], [0.5, 0.5], "must be 0 or 1"),
        ([0, 1], [0.5, np.nan], "not be NaN"),
        ([0, 1], [0.5, 1.5], "0 to 1"),
    ],
)
def test_bad_predictions_are_refused(labels: list[int], chances: NDArray[np.float64], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        score(labels, chances, 0.5)


def error(labels: list[int], chances: list[float]) -> float:
    return score(labels, chances, 0.5)["expected_calibration_error"]


def test_error_is_the_gap_weighted_by_chips() -> None:
    assert error([1, 1, 0, 0], [0.75, 0.75, 0.1, 0.1]) == pytest.approx((0.25 + 0.1) / 2)


def test_threshold_curve_agrees_with_scores() -> None:
    _, labels, chances = make_chips(10)
    chances = chances.round(1)
    curve = threshold_curve(labels, chances)
    for _, row in curve.iterrows():
        figures = score(labels, chances, row["threshold"])
        assert row[["f1", "precision", "recall"]].to_dict() == pytest.approx(
            {name: figures[name] for name in ("f1", "precision", "recall")}
        )


def test_metric_of_a_parameter_is_known() -> None:
    adapter: TypeAdapter[str] = TypeAdapter(MetricName)
    assert adapter.validate_python("mcc") == "mcc"
    with pytest.raises(ValidationError, match="There is no metric beauty: name one of f1, precision"):
        adapter.validate_python("beauty")
