"""Thresholds from which a chip or a pixel is called a mine, chosen on out-of-fold predictions only.

A threshold that has seen the chips that it is scored on flatters itself. For chips see Lipton, Elkan and Naryanaswamy,
*Optimal Thresholding of Classifiers to Maximize F1 Measure*, ECML PKDD 2014. Pixels are counted by truth and by
probability in 256 steps of equal width, so that one pass over the maps serves every threshold. The edges of the steps
are exact in half precision, so that counting and comparing agree about every pixel, whatever the precision of a map.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.scoring.metrics import ScoredChips, WeightedChips, check_predictions
from mining_the_mines.scoring.segmentation import MINE, MaskPair, known_pixels

logger = logging.getLogger(__name__)

#: Steps of probability, closed below; the last one is closed above too.
STEPS: Final = 256


class ThresholdSettings(BaseModel):
    """How the threshold of a classifier is chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: Literal["f1", "precision_floor"] = Field(
        "f1",
        description="f1 balances missed mines and false alarms; precision_floor finds as many mines as possible while "
        "at least that share of the alarms is right, for alarms that are checked on the ground.",
    )
    precision_floor: float = Field(
        0.9, gt=0, le=1, description="Share of right alarms to keep, 0–1; used with the objective precision_floor only."
    )


class PixelThresholdSettings(BaseModel):
    """How the threshold of a segmenter is chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: Literal["iou", "area"] = Field(
        "iou",
        description="iou makes predicted and true mines overlap best, over all chips together; area makes their "
        "hectares agree best, where the total matters more than the place.",
    )


def threshold_curve(labels: ArrayLike, probabilities: ArrayLike) -> pd.DataFrame:
    """Score every threshold.

    Args:
        labels: Truth, 0 or 1, with both classes present, shape (N,).
        probabilities: Probability of a mine, shape (N,).

    Returns:
        One row per different decision, by falling threshold: ``threshold`` (midway between
        neighbouring probabilities; the last one midway between the lowest and 0), ``precision``,
        ``recall``, ``f1``.
    """
    chips = ScoredChips(*check_predictions(labels, probabilities), threshold=0.5)
    order, ends = chips.by_descending_probability
    (found,), (false,) = WeightedChips(chips, np.ones((1, order.size))).ranking
    levels, alarms, mines = chips.probabilities[order][ends], found + false, chips.labels.sum()
    return pd.DataFrame(
        {
            "threshold": (levels + np.append(levels[1:], 0.0)) / 2,
            "precision": found / alarms,
            "recall": found / mines,
            "f1": 2 * found / (alarms + mines),
        }
    )


def choose_threshold(labels: ArrayLike, probabilities: ArrayLike, settings: ThresholdSettings) -> float:
    """Choose the threshold of a classifier that serves the objective best.

    Candidates lie midway between neighbouring probabilities, so that small numerical differences
    between machines do not move a chip across the line; among equally good ones the nearest to 0.5
    wins.

    Args:
        labels: Truth of out-of-fold chips, 0 or 1, shape (N,).
        probabilities: Their out-of-fold probabilities, shape (N,).
        settings: The objective.

    Returns:
        A threshold in [0, 1]; a chip is called a mine if its probability is at least this.

    Raises:
        ValueError: If one class is missing, or the predictions can't be scored.
    """
    truth, chance = check_predictions(labels, probabilities)
    if truth.min() == truth.max():
        raise ValueError(
            f"All {truth.size} out-of-fold chips have the label {truth[0]}, so no threshold can be "
            "chosen: label chips of the other class, or use fewer folds."
        )
    curve = threshold_curve(truth, chance)
    merit = curve["f1"]
    if settings.objective == "precision_floor":
        kept = curve["precision"] >= settings.precision_floor
        if kept.any():
            merit = curve["recall"].where(kept, -1.0)
        else:
            merit = curve["precision"]
            logger.warning(
                "No threshold reaches a precision of %.3f; the highest, %.3f, is used: "
                "lower precision_floor or add training chips.",
                settings.precision_floor,
                merit.max(),
            )
    return _best(curve["threshold"], merit)


def _best(thresholds: pd.Series, merit: pd.Series) -> float:
    """Choose the threshold of the greatest merit; among equal ones the nearest to 0.5."""
    best = thresholds[np.isclose(merit, merit.max(), rtol=0, atol=1e-12)].to_numpy()
    return float(best[np.argmin(np.abs(best - 0.5))])


def choose_thresholds(predictions: pd.DataFrame, settings: ThresholdSettings) -> dict[str, float]:
    """Choose each model's threshold from its out-of-fold predictions; test chips are left out.

    Args:
        predictions: Table with ``label``, ``model``, ``probability`` and ``fold`` (missing for test
            chips).
        settings: The objective.

    Returns:
        Threshold by model.

    Raises:
        ValueError: If a model has no out-of-fold predictions, or they hold one class only.
    """
    thresholds = {}
    for model, rows in predictions.groupby("model", sort=False):
        known = rows[rows["fold"].notna()]
        if known.empty:
            raise ValueError(
                f"The model {model} has no out-of-fold predictions, so no threshold can be chosen: train it in folds."
            )
        thresholds[str(model)] = choose_threshold(known["label"], known["probability"], settings)
    return thresholds


@dataclass(frozen=True)
class PixelTally:
    """Known pixels of some chips by truth and probability.

    Attributes:
        filenames: The chips.
        mine: Pixels of mines, int64 (N, :data:`STEPS`), by rising probability.
        other: Pixels without a mine, int64 (N, :data:`STEPS`).
        hectares_per_pixel: Area of a pixel of each chip, float64 (N,).
    """

    filenames: tuple[str, ...]
    mine: NDArray[np.int64]
    other: NDArray[np.int64]
    hectares_per_pixel: NDArray[np.float64]


def tally_pixels(pairs: Iterable[MaskPair], hectares_per_pixel: Mapping[str, float]) -> PixelTally:
    """Count the pixels of each chip by truth and probability, one chip at a time.

    Args:
        pairs: Filename, probability map and mask of each chip, as for
            :func:`~mining_the_mines.scoring.segmentation.known_pixels`.
        hectares_per_pixel: Area of a pixel by filename.

    Returns:
        The counts, in the order of the pairs.

    Raises:
        ValueError: If a map and its mask differ in size.
    """
    filenames, mine, other = [], [], []
    for filename, probability, mask in pairs:
        known = known_pixels(filename, probability, mask)
        steps = np.minimum((probability[known].astype(np.float32) * STEPS).astype(np.int64), STEPS - 1)
        is_mine = mask[known] == MINE
        counts = np.bincount(steps + STEPS * is_mine, minlength=2 * STEPS)
        filenames.append(filename)
        other.append(counts[:STEPS])
        mine.append(counts[STEPS:])
    size = (len(filenames), STEPS)
    areas = np.array([hectares_per_pixel[name] for name in filenames], dtype=np.float64)
    return PixelTally(tuple(filenames), np.reshape(mine, size), np.reshape(other, size), areas)


def pixel_threshold_curve(tally: PixelTally) -> pd.DataFrame:
    """Score every threshold of a segmenter, over all chips together.

    Args:
        tally: Counts of the out-of-fold maps.

    Returns:
        One row per threshold, rising: ``threshold``, ``iou``, ``f1``, ``precision``, ``recall`` (NaN where undefined),
        ``predicted_hectares``, ``true_hectares``.
    """
    found, alarms = (_reaching(counts.sum(axis=0)) for counts in (tally.mine, tally.other))
    mines = float(tally.mine.sum())
    area = tally.hectares_per_pixel @ (tally.mine + tally.other)
    with np.errstate(invalid="ignore"):
        return pd.DataFrame(
            {
                "threshold": np.arange(1, STEPS) / STEPS,
                "iou": found / (mines + alarms),
                "f1": 2 * found / (mines + found + alarms),
                "precision": found / (found + alarms),
                "recall": found / np.float64(mines),
                "predicted_hectares": _reaching(area),
                "true_hectares": float(tally.hectares_per_pixel @ tally.mine.sum(axis=1)),
            }
        )


def _reaching(counts: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum the counts at or above each threshold but 0: (STEPS,) → (STEPS − 1,)."""
    return np.cumsum(counts[::-1], dtype=np.float64)[::-1][1:]


def choose_pixel_threshold(tally: PixelTally, settings: PixelThresholdSettings) -> float:
    """Choose the threshold of a segmenter that serves the objective best; among equal ones the nearest to 0.5.

    Args:
        tally: Counts of the out-of-fold maps.
        settings: The objective.

    Returns:
        A threshold between 0 and 1; a pixel is called a mine if its probability is at least this.

    Raises:
        ValueError: If there is no pixel of a mine to find.
    """
    if not tally.mine.any():
        raise ValueError(
            f"The {len(tally.filenames)} out-of-fold chips show no pixel of a mine, so no threshold can be chosen: "
            "give polygons that lie in the training chips."
        )
    curve = pixel_threshold_curve(tally)
    merit = curve["iou"]
    if settings.objective == "area":
        merit = -(curve["predicted_hectares"] - curve["true_hectares"]).abs()
    return _best(curve["threshold"], merit)
