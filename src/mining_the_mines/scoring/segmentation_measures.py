"""How well an outline fits its mine, chip by chip: pixels, rims, hectares, and the chip as a whole.

The rim is scored after Csurka, Larlus and Perronnin, *What is a good evaluation measure for semantic segmentation?*,
BMVC 2013: a pixel of one rim is matched if the other rim comes within a few pixels of it. A rim separates mine from
ground that is known to be none, so that it does not follow the chip's border or the edge of missing data.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage
from scipy.spatial import KDTree

from mining_the_mines.scoring.pixel_tally import MINE, Mask, MaskPair, ProbabilityMap, known_pixels

#: Pixels by truth and prediction.
PIXEL_COUNTS: Final = ("true_positive", "false_positive", "false_negative", "true_negative")
#: Pixels of the predicted and the true rim, and how many of each the other one comes near.
RIM_COUNTS: Final = ("matched_predicted_rim", "predicted_rim", "matched_true_rim", "true_rim")
#: A search's bound excludes the distance itself, which is to count as near.
_NUDGE: Final = 1e-6
MEASURE_COLUMNS: Final = (
    "filename", *PIXEL_COUNTS, "iou", *RIM_COUNTS, "true_hectares", "predicted_hectares", "detection",
)  # fmt: skip


class SegmentationMeasureSettings(BaseModel):
    """How an outline is measured.

    Attributes:
        tolerance: Distance in pixels up to which two rims agree; 2, since outlines drawn by hand over a Sentinel-2
            picture are no better than a pixel or two themselves.
        detection_pixels: A chip is as likely to show a mine as its so many most mine-like pixels are on average.
            One pixel alone would be noise, and a share of the chip would let small mines drown in large chips;
            16 pixels are 4 × 4, or 2 × 2 of the bands with 20 m: the smallest pit that those can tell from a road.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tolerance: float = Field(default=2, ge=0)
    detection_pixels: int = Field(default=16, ge=1)


def measure_segmentation(
    pairs: Iterable[MaskPair],
    hectares_per_pixel: Mapping[str, float],
    threshold: float,
    settings: SegmentationMeasureSettings,
) -> pd.DataFrame:
    """Measure the outlines of some chips, one chip at a time.

    Args:
        pairs: Filename, probability map (H, W) and true mask (H, W) of each chip.
        hectares_per_pixel: Area of a pixel by filename.
        threshold: A pixel is called a mine if its probability is at least this.
        settings: How to measure.

    Returns:
        One row a chip, ``filename`` and what :func:`measure_chip` tells.

    Raises:
        ValueError: If a map and its mask differ in size.
    """
    rows = [
        {"filename": name, **measure_chip(probability, mask, threshold, hectares_per_pixel[name], settings, name)}
        for name, probability, mask in pairs
    ]
    return pd.DataFrame(rows, columns=list(MEASURE_COLUMNS))


def measure_chip(
    probability: ProbabilityMap,
    mask: Mask,
    threshold: float,
    hectares_per_pixel: float,
    settings: SegmentationMeasureSettings,
    filename: str = "a chip",
) -> dict[str, float]:
    """Measure the outlines of one chip. Pixels without data or with unknown truth have no part in any figure.

    Args:
        probability: Probability of a mine in [0, 1], (H, W); NaN without data.
        mask: 0 background, 1 mine, 255 unknown, (H, W).
        threshold: A pixel is called a mine if its probability is at least this.
        hectares_per_pixel: Area of a pixel.
        settings: How to measure.
        filename: The chip, for the error.

    Returns:
        Pixels by truth and prediction (:data:`PIXEL_COUNTS`); ``iou``, their intersection over union, 1 where neither
        truth nor prediction has a mine, NaN where nothing is known; pixels of rims (:data:`RIM_COUNTS`);
        ``true_hectares`` and ``predicted_hectares``; ``detection``, the probability that the chip shows a mine, NaN
        where nothing is known.

    Raises:
        ValueError: If map and mask differ in size.
    """
    known = known_pixels(filename, probability, mask)
    predicted = called_mine(probability, threshold) & known
    true = (mask == MINE) & known
    hits = int((predicted & true).sum())
    alarms, mines = int(predicted.sum()), int(true.sum())
    union = alarms + mines - hits
    total = int(known.sum())
    return {
        "true_positive": hits,
        "false_positive": alarms - hits,
        "false_negative": mines - hits,
        "true_negative": total - union,
        "iou": hits / union if union else (1.0 if total else np.nan),
        **_compare_rims(predicted, true, known, settings.tolerance),
        "true_hectares": mines * hectares_per_pixel,
        "predicted_hectares": alarms * hectares_per_pixel,
        "detection": _most_mine_like(probability[known], settings.detection_pixels),
    }


def called_mine(probability: ProbabilityMap, threshold: float) -> NDArray[np.bool_]:
    """Call pixels mines, in double precision: a threshold rounded to half precision could move pixels across.

    Args:
        probability: Any shape; NaN is never called a mine.
        threshold: Probability from which on a pixel is called a mine.

    Returns:
        Boolean, of the same shape.
    """
    called: NDArray[np.bool_] = probability >= np.float64(threshold)
    return called


def rim_of(mine: NDArray[np.bool_], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find the pixels of mines that share an edge with a known pixel that is none.

    Args:
        mine: Boolean (H, W).
        known: Boolean (H, W).

    Returns:
        Boolean (H, W).
    """
    rim: NDArray[np.bool_] = mine & ndimage.binary_dilation(known & ~mine)
    return rim


def _compare_rims(
    predicted: NDArray[np.bool_], true: NDArray[np.bool_], known: NDArray[np.bool_], tolerance: float
) -> dict[str, float]:
    ours, theirs = rim_of(predicted, known), rim_of(true, known)
    counts = (_near(ours, theirs, tolerance), ours.sum(), _near(theirs, ours, tolerance), theirs.sum())
    return dict(zip(RIM_COUNTS, map(int, counts), strict=True))


def _near(rim: NDArray[np.bool_], other: NDArray[np.bool_], tolerance: float) -> int:
    """Count the pixels of a rim from which the other one is no farther than the tolerance."""
    if not (rim.any() and other.any()):
        return 0
    distance, _ = KDTree(np.argwhere(other)).query(np.argwhere(rim), distance_upper_bound=tolerance + _NUDGE)
    return int(np.isfinite(distance).sum())


def _most_mine_like(probabilities: ProbabilityMap, pixels: int) -> float:
    if probabilities.size == 0:
        return float("nan")
    first = max(0, probabilities.size - pixels)
    return float(np.partition(probabilities, first)[first:].mean(dtype=np.float64))
