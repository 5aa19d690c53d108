"""Points of ROC, precision-recall and threshold curves, as tables."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn import metrics as sk

from mining_the_mines.scoring.metrics import CALIBRATION_BINS, assign_probability_bins, check_predictions


def roc_curve_points(labels: ArrayLike, probabilities: ArrayLike) -> pd.DataFrame:
    """Receiver operating characteristic: mines found against false alarms.

    Args:
        labels: Truth, 0 or 1, shape (N,).
        probabilities: Probability of a mine, shape (N,).

    Returns:
        One row a corner of the curve: ``false_positive_rate``, ``true_positive_rate``,
        ``threshold``; empty if one class is missing.
    """
    truth, chance = check_predictions(labels, probabilities)
    columns = ["false_positive_rate", "true_positive_rate", "threshold"]
    if truth.min() == truth.max():
        return pd.DataFrame(columns=columns, dtype=np.float64)
    return pd.DataFrame(dict(zip(columns, sk.roc_curve(truth, chance), strict=True)))


def precision_recall_points(labels: ArrayLike, probabilities: ArrayLike) -> pd.DataFrame:
    """Precision against recall.

    Args:
        labels: Truth, 0 or 1, shape (N,).
        probabilities: Probability of a mine, shape (N,).

    Returns:
        One row a threshold, by rising recall: ``recall``, ``precision``; empty if one class is
        missing.
    """
    truth, chance = check_predictions(labels, probabilities)
    if truth.min() == truth.max():
        return pd.DataFrame(columns=["recall", "precision"], dtype=np.float64)
    precision, recall, _ = sk.precision_recall_curve(truth, chance)
    return pd.DataFrame({"recall": recall[::-1], "precision": precision[::-1]})


def threshold_curve(labels: ArrayLike, probabilities: ArrayLike) -> pd.DataFrame:
    """Score every threshold.

    Args:
        labels: Truth, 0 or 1, with both classes present, shape (N,).
        probabilities: Probability of a mine, shape (N,).

    Returns:
        One row a different decision, by falling threshold: ``threshold`` (midway between
        neighbouring probabilities; the last one midway between the lowest and 0), ``precision``,
        ``recall``, ``f1``, ``alarms``.
    """
    truth, chance = check_predictions(labels, probabilities)
    order = np.argsort(-chance, kind="stable")
    ordered = chance[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    found = np.cumsum(truth[order])[ends].astype(np.float64)
    alarms = (ends + 1).astype(np.float64)
    levels = ordered[ends]
    mines = truth.sum()
    return pd.DataFrame(
        {
            "threshold": (levels + np.append(levels[1:], 0.0)) / 2,
            "precision": found / alarms,
            "recall": found / mines,
            "f1": 2 * found / (alarms + mines),
            "alarms": alarms.astype(np.int64),
        }
    )


def reliability_curve(labels: ArrayLike, probabilities: ArrayLike, bins: int = CALIBRATION_BINS) -> pd.DataFrame:
    """Compare mean probability and share of mines of each bin.

    Args:
        labels: Truth, 0 or 1, shape (N,).
        probabilities: Probability of a mine, shape (N,).
        bins: Number of bins of equal width.

    Returns:
        One row a bin that holds a chip: ``mean_probability``, ``mine_share``, ``chips``.
    """
    table = pd.DataFrame(
        {
            "bin": assign_probability_bins(probabilities, bins),
            "probability": np.asarray(probabilities, dtype=np.float64),
            "label": np.asarray(labels, dtype=np.float64),
        }
    )
    return (
        table.groupby("bin")
        .agg(
            mean_probability=("probability", "mean"),
            mine_share=("label", "mean"),
            chips=("label", "size"),
        )
        .reset_index(drop=True)
    )
