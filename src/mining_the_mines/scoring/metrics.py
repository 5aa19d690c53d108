"""Metrics of chip classifiers, computed for many weightings of the same chips at once.

A resample with replacement is a vector of whole-number weights, so that a thousand resamples are one matrix product for
counts and sums, and one cumulative sum over the chips in order of probability for the curves. An undefined figure (AUC
with one class, precision without an alarm) is NaN.

To add a metric, write a function of :class:`WeightedChips` and add a line to :data:`CHIP_METRICS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import AfterValidator

from mining_the_mines.scoring.bootstrap import Bound, FloatArray, Scorer

#: Numbers of chips by truth and decision.
CONFUSION: Final = ("tn", "fp", "fn", "tp")
#: Ten bins of equal width: with a few hundred chips, fifteen leave too few chips in a bin.
CALIBRATION_BINS: Final = 10
#: Probabilities are kept this far from 0 and 1 in the log loss, as scikit-learn does.
_LOG_LOSS_MARGIN: Final = float(np.finfo(np.float64).eps)


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Divide, with NaN for a denominator of 0."""
    undefined = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    quotient: FloatArray = np.divide(numerator, denominator, out=undefined, where=denominator > 0)
    return quotient


@dataclass(frozen=True, eq=False)
class ScoredChips:
    """Chips with their truth and prediction.

    Attributes:
        labels: Truth, 0 or 1, int64 (N,).
        probabilities: Probability of a mine, float64 (N,).
        threshold: A chip is called a mine if its probability is at least this.
    """

    labels: NDArray[np.int64]
    probabilities: FloatArray
    threshold: float

    @cached_property
    def mines(self) -> NDArray[np.bool_]:
        """Which chips are mines, (N,)."""
        mines: NDArray[np.bool_] = self.labels == 1
        return mines

    @cached_property
    def calls(self) -> NDArray[np.bool_]:
        """Which chips are called mines, (N,)."""
        return self.probabilities >= self.threshold

    @cached_property
    def by_descending_probability(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Order of the chips, and the last position in it of each distinct probability."""
        order = np.argsort(-self.probabilities, kind="stable")
        ordered = self.probabilities[order]
        ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        return order, ends


@dataclass(frozen=True, eq=False)
class WeightedChips:
    """Chips under many weightings, with the sums that several metrics need.

    Attributes:
        chips: Truth and prediction of N chips.
        weights: Weight of every chip in every weighting, float64 (R, N).
    """

    chips: ScoredChips
    weights: FloatArray

    @cached_property
    def counts(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Weights of true negatives, false positives, false negatives and true positives, (R,) each."""
        mines, calls = self.chips.mines, self.chips.calls
        cells = np.stack([~mines & ~calls, ~mines & calls, mines & ~calls, mines & calls], axis=1)
        tn, fp, fn, tp = (self.weights @ cells.astype(np.float64)).T
        return tn, fp, fn, tp

    @cached_property
    def ranking(self) -> tuple[FloatArray, FloatArray]:
        """Weights of mines and of other chips down to each distinct probability, (R, K) each; ties are joined."""
        order, ends = self.chips.by_descending_probability
        mines = self.chips.labels[order].astype(np.float64)
        ordered = self.weights[:, order]
        return np.cumsum(ordered * mines, axis=1)[:, ends], np.cumsum(ordered * (1 - mines), axis=1)[:, ends]

    def mean(self, values: FloatArray) -> FloatArray:
        """Weighted mean of one value per chip, (N,) → (R,)."""
        mean: FloatArray = self.weights @ values / self.weights.sum(axis=1)
        return mean


def f1(of: WeightedChips) -> FloatArray:
    """Harmonic mean of precision and recall."""
    _, fp, fn, tp = of.counts
    return ratio(2 * tp, 2 * tp + fp + fn)


def precision(of: WeightedChips) -> FloatArray:
    """Share of called mines that are mines."""
    _, fp, _, tp = of.counts
    return ratio(tp, tp + fp)


def recall(of: WeightedChips) -> FloatArray:
    """Share of mines that are called."""
    _, _, fn, tp = of.counts
    return ratio(tp, tp + fn)


def specificity(of: WeightedChips) -> FloatArray:
    """Share of other chips that are not called."""
    tn, fp, _, _ = of.counts
    return ratio(tn, tn + fp)


def roc_auc(of: WeightedChips) -> FloatArray:
    """Area under the ROC curve, by trapezoids."""
    tp, fp = of.ranking
    tp_steps, fp_steps = (np.diff(sums, axis=1, prepend=0.0) for sums in (tp, fp))
    area = ((tp - tp_steps / 2) * fp_steps).sum(axis=1)
    return ratio(area, tp[:, -1] * fp[:, -1])


def average_precision(of: WeightedChips) -> FloatArray:
    """Area under the precision-recall curve, as a sum of steps."""
    tp, fp = of.ranking
    steps = (np.nan_to_num(ratio(tp, tp + fp)) * np.diff(tp, axis=1, prepend=0.0)).sum(axis=1)
    return np.where(fp[:, -1] > 0, ratio(steps, tp[:, -1]), np.nan)


def balanced_accuracy(of: WeightedChips) -> FloatArray:
    """Mean of recall and specificity."""
    return (recall(of) + specificity(of)) / 2


def accuracy(of: WeightedChips) -> FloatArray:
    """Share of right decisions."""
    tn, fp, fn, tp = of.counts
    return ratio(tp + tn, tn + fp + fn + tp)


def mcc(of: WeightedChips) -> FloatArray:
    """Correlation of truth and decision, -1 to 1.

    B. W. Matthews, "Comparison of the predicted and observed secondary structure of T4 phage lysozyme", Biochimica et
    Biophysica Acta 405(2), 1975.
    """
    tn, fp, fn, tp = of.counts
    return ratio(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))


def log_loss(of: WeightedChips) -> FloatArray:
    """Mean negative log-likelihood of the truth, in nats."""
    chance = np.clip(of.chips.probabilities, _LOG_LOSS_MARGIN, 1 - _LOG_LOSS_MARGIN)
    return of.mean(-np.where(of.chips.mines, np.log(chance), np.log1p(-chance)))


def brier(of: WeightedChips) -> FloatArray:
    """Mean squared error of the probability."""
    return of.mean((of.chips.probabilities - of.chips.labels) ** 2)


def assign_probability_bins(probabilities: ArrayLike) -> NDArray[np.intp]:
    """Number the bins of probabilities, (N,) from 0: of equal width, closed below; the last one is closed above too."""
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1]
    return np.digitize(np.asarray(probabilities, dtype=np.float64), edges)


def expected_calibration_error(of: WeightedChips) -> FloatArray:
    r"""Mean distance of probability and share of mines over ten bins of probability.

    :math:`\sum_b \frac{n_b}{n} |\bar y_b - \bar p_b| = \sum_b |\sum_{i \in b} w_i (y_i - p_i)| / \sum w`: Naeini,
    Cooper and Hauskrecht, *Obtaining Well Calibrated Probabilities Using Bayesian Binning*, AAAI 2015. Noise can
    only raise it: with few chips, even a perfectly calibrated model has a few hundredths.
    """
    bins = assign_probability_bins(of.chips.probabilities)
    in_bin = np.zeros((bins.size, int(bins.max(initial=0)) + 1))
    in_bin[np.arange(bins.size), bins] = of.chips.labels.astype(np.float64) - of.chips.probabilities
    error: FloatArray = np.abs(of.weights @ in_bin).sum(axis=1) / of.weights.sum(axis=1)
    return error


def _all(chips: ScoredChips) -> NDArray[np.bool_]:
    return np.ones_like(chips.mines)


def _rarer_class(chips: ScoredChips) -> NDArray[np.bool_]:
    """The ranking compares both classes; the rarer one limits how much it can tell."""
    return chips.mines if chips.mines.sum() <= (~chips.mines).sum() else ~chips.mines


@dataclass(frozen=True)
class Metric:
    """A figure of a classifier that can be averaged, compared and given an interval.

    Attributes:
        title: Name in the report.
        compute: Figures of every weighting, (R,), NaN where undefined.
        about: For a figure that is 1 if all goes well and ``worst`` if nothing does, the chips that it is about,
            boolean (N,). Such a figure gets an exact interval where it is 1 or ``worst`` in every place.
        worst: The least value of a figure with ``about``: 0 for a share, -1 for a correlation.
        lower_is_better: Whether smaller figures are better.
        ranking: Whether it needs no threshold.
        raised_by_noise: Whether noise can only raise it, as a sum of distances.
        overview: Whether the report's figure of scores with intervals shows it; higher must be better, from 0 to 1.
    """

    title: str
    compute: Callable[[WeightedChips], FloatArray]
    about: Callable[[ScoredChips], NDArray[np.bool_]] | None = field(default=None, kw_only=True)
    worst: float = field(default=0.0, kw_only=True)
    lower_is_better: bool = field(default=False, kw_only=True)
    ranking: bool = field(default=False, kw_only=True)
    raised_by_noise: bool = field(default=False, kw_only=True)
    overview: bool = field(default=False, kw_only=True)


#: All metrics, the most telling ones first.
CHIP_METRICS = MappingProxyType(
    {
        "f1": Metric("F1", f1, about=lambda chips: chips.mines | chips.calls, overview=True),
        "precision": Metric("Precision", precision, about=lambda chips: chips.calls, overview=True),
        "recall": Metric("Recall", recall, about=lambda chips: chips.mines, overview=True),
        "specificity": Metric("Specificity", specificity, about=lambda chips: ~chips.mines, overview=True),
        "roc_auc": Metric("ROC AUC", roc_auc, about=_rarer_class, ranking=True, overview=True),
        "average_precision": Metric(
            "Average precision", average_precision, about=_rarer_class, ranking=True, overview=True
        ),
        "balanced_accuracy": Metric("Balanced accuracy", balanced_accuracy, about=_all),
        "accuracy": Metric("Accuracy", accuracy, about=_all),
        "mcc": Metric("Matthews correlation", mcc, about=_rarer_class, worst=-1.0),
        "log_loss": Metric("Log loss", log_loss, lower_is_better=True),
        "brier": Metric("Brier score", brier, lower_is_better=True),
        "expected_calibration_error": Metric(
            "Calibration error", expected_calibration_error, lower_is_better=True, raised_by_noise=True
        ),
    }
)
METRICS = tuple(CHIP_METRICS)
METRIC_TITLES = MappingProxyType({name: metric.title for name, metric in CHIP_METRICS.items()})
OVERVIEW_METRICS = tuple(name for name, metric in CHIP_METRICS.items() if metric.overview)
RANKING_METRICS = tuple(name for name, metric in CHIP_METRICS.items() if metric.ranking)
LOWER_IS_BETTER = frozenset(name for name, metric in CHIP_METRICS.items() if metric.lower_is_better)
RAISED_BY_NOISE = frozenset(name for name, metric in CHIP_METRICS.items() if metric.raised_by_noise)


def _check_name(name: str) -> str:
    if name not in CHIP_METRICS:
        raise ValueError(f"There is no metric {name}: name one of {', '.join(METRICS)}.")
    return name


#: Name of one of :data:`CHIP_METRICS`, as a type of parameters.
MetricName = Annotated[str, AfterValidator(_check_name)]


@dataclass(frozen=True, eq=False)
class WeightedScores(Scorer):
    """Some of :data:`CHIP_METRICS` of the same chips under many weightings.

    Attributes:
        chips: Truth and prediction.
        names: Metrics to compute.
    """

    chips: ScoredChips
    names: tuple[str, ...] = METRICS

    raised_by_noise = RAISED_BY_NOISE

    def __call__(self, weights: FloatArray) -> dict[str, FloatArray]:
        """Compute the metrics for each weighting."""
        weighted = WeightedChips(self.chips, weights)
        return {name: CHIP_METRICS[name].compute(weighted) for name in self.names}

    def bounds(self) -> dict[str, Bound]:
        """Ranges of the metrics with :attr:`Metric.about`."""
        metrics = {name: CHIP_METRICS[name] for name in self.names}
        return {name: Bound(of.about(self.chips), of.worst) for name, of in metrics.items() if of.about is not None}


def weighted_scores(
    labels: ArrayLike, probabilities: ArrayLike, threshold: float, names: tuple[str, ...] = METRICS
) -> WeightedScores:
    """Prepare predictions for the bootstrap.

    Args:
        labels: Truth, 0 or 1, shape (N,).
        probabilities: Probability of a mine, shape (N,).
        threshold: A chip is called a mine if its probability is at least this.
        names: Metrics to compute.

    Raises:
        ValueError: If the predictions can't be scored (see :func:`check_predictions`).
    """
    return WeightedScores(ScoredChips(*check_predictions(labels, probabilities), threshold), names)


def score(labels: ArrayLike, probabilities: ArrayLike, threshold: float) -> dict[str, float]:
    """Score predictions at a threshold.

    Args:
        labels: Truth, 0 or 1, shape (N,).
        probabilities: Probability of a mine, shape (N,).
        threshold: A chip is called a mine if its probability is at least this.

    Returns:
        Every metric of :data:`CHIP_METRICS` and every count of :data:`CONFUSION`; NaN where undefined.

    Raises:
        ValueError: If the predictions can't be scored (see :func:`check_predictions`).
    """
    scorer = weighted_scores(labels, probabilities, threshold)
    weights = np.ones((1, scorer.chips.labels.size))
    counts = zip(CONFUSION, WeightedChips(scorer.chips, weights).counts, strict=True)
    return {name: float(value[0]) for name, value in [*scorer(weights).items(), *counts]}


def check_predictions(labels: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.int64], FloatArray]:
    """Turn labels and probabilities into arrays and refuse those that can't be scored.

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
        raise ValueError("Probabilities to score must lie in 0 to 1 and not be NaN: leave unreadable chips out.")
    return truth.astype(np.int64), chance
