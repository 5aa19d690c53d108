"""Curves are what scoring at each threshold gives."""

import numpy as np
import pytest

from mining_the_mines.scoring.curves import precision_recall_points, roc_curve_points, threshold_curve
from mining_the_mines.scoring.metrics import score
from support.predictions import make_chips


def test_every_row_of_the_threshold_curve_is_what_scoring_at_that_threshold_gives() -> None:
    _, labels, chances = make_chips(10)
    chances = chances.round(1)
    curve = threshold_curve(labels, chances)
    for _, row in curve.iterrows():
        figures = score(labels, chances, row["threshold"])
        assert row[["f1", "precision", "recall"]].to_dict() == pytest.approx(
            {name: figures[name] for name in ("f1", "precision", "recall")}
        )


def test_the_area_under_the_roc_points_is_the_auc() -> None:
    _, labels, chances = make_chips(10)
    points = roc_curve_points(labels, chances)
    area = np.trapezoid(points["true_positive_rate"], points["false_positive_rate"])
    assert np.isclose(area, score(labels, chances, 0.5)["roc_auc"])


def test_precision_recall_points_run_by_rising_recall() -> None:
    _, labels, chances = make_chips(10)
    assert precision_recall_points(labels, chances)["recall"].is_monotonic_increasing


def test_curves_of_one_class_are_empty() -> None:
    assert roc_curve_points([1, 1], [0.2, 0.3]).empty
    assert precision_recall_points([1, 1], [0.2, 0.3]).empty
