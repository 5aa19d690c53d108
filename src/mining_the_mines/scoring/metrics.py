"""Scores of a binary classifier, for one set of predictions or for many weightings of it at once.

:func:`score` states the figures; :class:`WeightedScores` computes the same figures for a whole
matrix of sample weights, which is what makes resampling cheap. An undefined figure (AUC with one
class, precision without an alarm) is NaN in both, never an exception and never a flattering 0 or 1.
"""

from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import metrics as sk

from mining_the_mines.scoring.calibration import (
    assign_probability_bins,
    expected_calibration_error,
    weighted_calibration_error,
)

FloatArray = NDArray[np.float64]

#: Figures that can be averaged, compared and given an interval, the most telling ones first.
METRICS = (
    "f1",
    "precision",
    "recall",
    "specificity",
    "roc_auc",
    "average_precision",
    "balanced_accuracy",
    "accuracy",
    "log_loss",
    "brier",
    "expected_calibration_error",
)
#: Chips counted by truth and decision.
CONFUSION = ("tn", "fp", "fn", "tp")
#: Figures that need no threshold.
RANKING_METRICS = ("roc_auc", "average_precision")
#: Figures that noise can only raise, since they sum up distances.
RAISED_BY_NOISE = frozenset({"expected_calibration_error"})
#: Figures that are better when they are smaller.
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "expected_calibration_error"})

METRIC_TITLES = MappingProxyType(
    {
        "f1": "F1",
        "precision": "Precision",
        "recall": "Recall",
        "specificity": "Specificity",
        "roc_auc": "ROC AUC",
        "average_precision": "Average precision",
        "balanced_accuracy": "Balanced accuracy",
        "accuracy": "Accuracy",
        "log_loss": "Log loss",
        "brier": "Brier score",
        "expected_calibration_error": "Calibration error",
    }
)

#: Probabilities are kept this far from 0 and 1 in the log loss; scikit-learn takes the float's
#: epsilon too.
_LOG_LOSS_MARGIN = float(np.finfo(np.float64).eps)


def check_predictions(labels: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.int64], FloatArray]:
    """Turn labels and probabilities into arrays and refuse what can't be scored.

    Args:
        labels: Truth, 0 or 1, shape (N,).
        probabilities: Probability of a mine, in [0, 1], shape (N,).

    Returns:
        Labels as int64 and probabilities as float64, both of shape (N,).

    Raises:
        ValueError: If there are none, lengths differ, a label is neither 0 nor 1, or a probability
            is not in [0, 1].
    """
    truth = np.asarray(labels)
    chance = np.asarray(probabilities, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != chance.shape or truth.size == 0:
        raise ValueError(
            f"Labels of shape {truth.shape} and probabilities of shape {chance.shape} can't be "
            "scored: give one of each for every chip, and at least one chip."
        )
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("Labels to score must be 0 or 1: leave unlabelled chips out before scoring.")
    if not ((chance >= 0) & (chance <= 1)).all():
        raise ValueError(
            "Probabilities to score must lie in 0 to 1 and not be NaN: leave chips that could not be read out."
        )
    return truth.astype(np.int64), chance


def score(labels: ArrayLike, probabilities: ArrayLike, threshold: float) -> dict[str, float]:
    """Score predictions at a threshold.

    Args:
        labels: Truth, 0 or 1, shape (N,).
        probabilities: Probability of a mine, shape (N,).
        threshold: A chip is called a mine if its probability is at least this.

    Returns:
        Every name of :data:`METRICS` and :data:`CONFUSION` with its figure; NaN where it is
        undefined.

    Raises:
        ValueError: If the predictions can't be scored at all (see :func:`check_predictions`).
    """
    truth, chance = check_predictions(labels, probabilities)
    calls = (chance >= threshold).astype(np.int64)
    tn, fp, fn, tp = (float(n) for n in sk.confusion_matrix(truth, calls, labels=[0, 1]).ravel())
    recall = sk.recall_score(truth, calls, zero_division=np.nan)
    specificity = sk.recall_score(truth, calls, pos_label=0, zero_division=np.nan)
    both_classes = 0 < truth.sum() < truth.size
    figures = {
        "f1": sk.f1_score(truth, calls, zero_division=np.nan),
        "precision": sk.precision_score(truth, calls, zero_division=np.nan),
        "recall": recall,
        "specificity": specificity,
        "roc_auc": sk.roc_auc_score(truth, chance) if both_classes else np.nan,
        "average_precision": sk.average_precision_score(truth, chance) if both_classes else np.nan,
        "balanced_accuracy": (recall + specificity) / 2,
        "accuracy": sk.accuracy_score(truth, calls),
        "log_loss": sk.log_loss(truth, chance, labels=[0, 1]),
        "brier": sk.brier_score_loss(truth, chance, pos_label=1, labels=[0, 1]),
        "expected_calibration_error": expected_calibration_error(truth, chance),
    }
    figures |= {"tn": tn, "fp": fp, "fn": fn, "tp": tp}
    return {name: float(value) for name, value in figures.items()}


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide, with NaN for a denominator of 0."""
    undefined = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    ratio: FloatArray = np.divide(numerator, denominator, out=undefined, where=denominator > 0)
    return ratio


@dataclass(frozen=True)
class WeightedScores:
    """All of :data:`METRICS` under many weightings of the same predictions at once.

    A resample with replacement is nothing but a vector of whole-number weights, so that a thousand
    resamples are one matrix product for counts and sums, and one cumulative sum over the chips in
    order of probability for the curves.

    Attributes:
        labels: Truth, 0 or 1, shape (N,).
        probabilities: Probability of a mine, shape (N,).
        threshold: A chip is called a mine if its probability is at least this.
        names: Which of :data:`METRICS` to compute.
    """

    labels: NDArray[np.int64]
    probabilities: FloatArray
    threshold: float
    names: tuple[str, ...] = METRICS

    def __call__(self, weights: FloatArray) -> dict[str, FloatArray]:
        """Compute the figures for each weighting.

        Args:
            weights: Weight of every chip in every weighting, shape (R, N).

        Returns:
            For every one of ``names`` the figures of shape (R,), NaN where undefined.
        """
        figures = self._decisions(weights) | self._probability_errors(weights)
        if set(self.names) & set(RANKING_METRICS):
            figures |= self._ranking(weights)
        return {name: figures[name] for name in self.names}

    def shares(self) -> dict[str, NDArray[np.bool_]]:
        """Say which chips each figure between 0 and 1 is about, boolean (N,) by name.

        The ranking metrics compare both classes; the rarer one limits how much they can tell.
        """
        calls, mines = self.probabilities >= self.threshold, self.labels == 1
        everything = np.ones_like(mines)
        rarer = mines if mines.sum() <= (~mines).sum() else ~mines
        about = {
            "f1": mines | calls,
            "precision": calls,
            "recall": mines,
            "specificity": ~mines,
            "balanced_accuracy": everything,
            "accuracy": everything,
            "roc_auc": rarer,
            "average_precision": rarer,
        }
        return {name: chips for name, chips in about.items() if name in self.names}

    def _decisions(self, weights: FloatArray) -> dict[str, FloatArray]:
        calls = self.probabilities >= self.threshold
        mines = self.labels == 1
        cells = np.stack([~mines & ~calls, ~mines & calls, mines & ~calls, mines & calls], axis=1)
        tn, fp, fn, tp = (weights @ cells.astype(np.float64)).T
        recall, specificity = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
        return {
            "f1": _ratio(2 * tp, 2 * tp + fp + fn),
            "precision": _ratio(tp, tp + fp),
            "recall": recall,
            "specificity": specificity,
            "balanced_accuracy": (recall + specificity) / 2,
            "accuracy": _ratio(tp + tn, tn + fp + fn + tp),
        }

    def _probability_errors(self, weights: FloatArray) -> dict[str, FloatArray]:
        chance = np.clip(self.probabilities, _LOG_LOSS_MARGIN, 1 - _LOG_LOSS_MARGIN)
        surprise = -np.where(self.labels == 1, np.log(chance), np.log1p(-chance))
        errors = np.stack([surprise, (self.probabilities - self.labels) ** 2], axis=1)
        log_loss, brier = (weights @ errors / weights.sum(axis=1, keepdims=True)).T
        bins = assign_probability_bins(self.probabilities)
        calibration = weighted_calibration_error(self.labels, self.probabilities, bins, weights)
        return {"log_loss": log_loss, "brier": brier, "expected_calibration_error": calibration}

    @cached_property
    def _by_descending_probability(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Order of the chips, and where in it each run of equal probabilities ends."""
        order = np.argsort(-self.probabilities, kind="stable")
        ordered = self.probabilities[order]
        ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        return order, ends

    def _ranking(self, weights: FloatArray) -> dict[str, FloatArray]:
        """ROC AUC by trapezoids, average precision as a step sum; ties are taken together."""
        order, ends = self._by_descending_probability
        mines = self.labels[order].astype(np.float64)
        ordered = weights[:, order]
        tp = np.cumsum(ordered * mines, axis=1)[:, ends]
        fp = np.cumsum(ordered * (1 - mines), axis=1)[:, ends]
        tp_steps = np.diff(tp, axis=1, prepend=0.0)
        fp_steps = np.diff(fp, axis=1, prepend=0.0)
        all_tp, all_fp = tp[:, -1], fp[:, -1]
        area = ((tp - tp_steps / 2) * fp_steps).sum(axis=1)
        precision = np.nan_to_num(_ratio(tp, tp + fp))
        steps = (precision * tp_steps).sum(axis=1)
        return {
            "roc_auc": _ratio(area, all_tp * all_fp),
            "average_precision": np.where(all_fp > 0, _ratio(steps, all_tp), np.nan),
        }


def weighted_scores(
    labels: ArrayLike, probabilities: ArrayLike, threshold: float, names: tuple[str, ...] = METRICS
) -> WeightedScores:
    """Prepare predictions for scoring under many weightings.

    Args:
        labels: Truth, 0 or 1, shape (N,).
        probabilities: Probability of a mine, shape (N,).
        threshold: A chip is called a mine if its probability is at least this.
        names: Which of :data:`METRICS` to compute.

    Raises:
        ValueError: If the predictions can't be scored (see :func:`check_predictions`).
    """
    return WeightedScores(*check_predictions(labels, probabilities), threshold, names)
