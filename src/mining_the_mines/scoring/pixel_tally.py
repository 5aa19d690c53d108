"""How many pixels of mines and of the rest reach which probability; and from which one on a pixel is called a mine.

One pass over the maps is enough for every threshold: pixels are counted by truth and by probability in 256 steps of
equal width. Their edges are exact in half precision already, so that counting and comparing never disagree about a
pixel, whatever precision a map is stored in.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

MINE: Final = 1
UNKNOWN: Final = 255
#: Probabilities are counted in this many steps, closed below; the last one is closed above too.
STEPS: Final = 256

ProbabilityMap: TypeAlias = NDArray[np.floating]
Mask: TypeAlias = NDArray[np.uint8]
#: Filename, probability map (H, W) and true mask (H, W) of a chip.
MaskPair: TypeAlias = tuple[str, ProbabilityMap, Mask]


class PixelThresholdSettings(BaseModel):
    """What the threshold of an outline is for.

    Attributes:
        objective: ``iou`` makes predicted and true mines overlap best, over all chips together; ``area`` makes their
            hectares agree best, for those who need the total more than the place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: Literal["iou", "area"] = "iou"


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


def known_pixels(filename: str, probability: ProbabilityMap, mask: Mask) -> NDArray[np.bool_]:
    """Find the pixels that can be judged: their truth is known, and they have been predicted.

    Args:
        filename: The chip, for the error.
        probability: Probability of a mine in [0, 1], (H, W); NaN without data.
        mask: 0 background, 1 mine, 255 unknown, (H, W).

    Returns:
        Boolean (H, W).

    Raises:
        ValueError: If the two differ in size.
    """
    if probability.shape != mask.shape:
        raise ValueError(
            f"The map of {filename} has {probability.shape} pixels and its mask {mask.shape}: predict the chips that "
            "the masks were drawn for."
        )
    known: NDArray[np.bool_] = (mask != UNKNOWN) & ~np.isnan(probability)
    return known


def tally_pixels(pairs: Iterable[MaskPair], hectares_per_pixel: Mapping[str, float]) -> PixelTally:
    """Count the pixels of each chip by truth and probability, one chip at a time.

    Args:
        pairs: Filename, probability map and mask of each chip, as for :func:`known_pixels`.
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
    """What each threshold would bring, over all chips together.

    Args:
        tally: Counts of the out-of-fold maps.

    Returns:
        One row a threshold, rising: ``threshold``, ``iou``, ``f1``, ``precision``, ``recall`` (NaN where undefined),
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
    """Sum up what reaches each threshold but 0, which everything reaches: (STEPS,) → (STEPS − 1,)."""
    return np.cumsum(counts[::-1], dtype=np.float64)[::-1][1:]


def choose_pixel_threshold(tally: PixelTally, settings: PixelThresholdSettings) -> float:
    """Choose the threshold that serves the objective best; among equally good ones the nearest to 0.5 wins.

    Choose on out-of-fold maps only: a threshold that has seen the chips that it is scored on flatters itself.

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
            "give outlines that lie in the training chips."
        )
    curve = pixel_threshold_curve(tally)
    merit = curve["iou"]
    if settings.objective == "area":
        merit = -(curve["predicted_hectares"] - curve["true_hectares"]).abs()
    best = curve.loc[np.isclose(merit, merit.max(), rtol=0, atol=1e-12), "threshold"].to_numpy()
    return float(best[np.argmin(np.abs(best - 0.5))])
