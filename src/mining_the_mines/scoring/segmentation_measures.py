"""Measures of a segmentation, chip by chip: pixels, rims, hectares, and the chip as a whole.

The rim is scored after Csurka, Larlus and Perronnin, *What is a good evaluation measure for semantic segmentation?*,
BMVC 2013: a pixel of one rim is matched if the other rim comes within a few pixels of it. A rim separates mine from
ground that is known to be none, so that it does not follow the chip's border or the edge of missing data.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage
from scipy.spatial import KDTree

#: Values of a mask beside 0, the background.
MINE: Final = 1
UNKNOWN: Final = 255
#: Pixels by truth and prediction.
PIXEL_COUNTS: Final = ("true_positive", "false_positive", "false_negative", "true_negative")
#: Pixels of the predicted and the true rim, and how many of each the other one comes near.
RIM_COUNTS: Final = ("matched_predicted_rim", "predicted_rim", "matched_true_rim", "true_rim")
#: A search's bound excludes the distance itself, which is to count as near.
_NUDGE: Final = 1e-6
MEASURE_COLUMNS: Final = (
    "filename", *PIXEL_COUNTS, "iou", *RIM_COUNTS, "true_hectares", "predicted_hectares",
    "chip_probability",
)  # fmt: skip

ProbabilityMap: TypeAlias = NDArray[np.floating]
Mask: TypeAlias = NDArray[np.uint8]
#: Filename, probability map (H, W) and true mask (H, W) of a chip.
MaskPair: TypeAlias = tuple[str, ProbabilityMap, Mask]
#: Filename, two probability maps (H, W) and true mask (H, W) of a chip.
PairedMaps: TypeAlias = tuple[str, ProbabilityMap, ProbabilityMap, Mask]


class SegmentationMeasureSettings(BaseModel):
    """How a segmentation is measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tolerance: float = Field(
        2,
        ge=0,
        description="Distance in pixels up to which two rims agree. Polygons drawn by hand over a Sentinel-2 picture "
        "are no better than a pixel or two.",
    )
    chip_pixels: int = Field(
        16,
        ge=1,
        description="The probability that a chip shows a mine is the mean of this number of its most mine-like pixels. "
        "One pixel would be noise, and a share of the chip would let small mines drown in large chips; 16 pixels are "
        "4 × 4, or 2 × 2 of the bands with 20 m: the smallest pit that those can tell from a road.",
    )


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


def measure_segmentation(
    pairs: Iterable[MaskPair],
    hectares_per_pixel: Mapping[str, float],
    threshold: float,
    settings: SegmentationMeasureSettings,
) -> pd.DataFrame:
    """Measure the segmentation of some chips, one chip at a time.

    Args:
        pairs: Filename, probability map (H, W) and true mask (H, W) of each chip.
        hectares_per_pixel: Area of a pixel by filename.
        threshold: A pixel is called a mine if its probability is at least this.
        settings: How to measure.

    Returns:
        One row per chip: ``filename`` and the measures of :func:`measure_chip`.

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
    """Measure the segmentation of one chip; pixels without data or with unknown truth are left out.

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
        ``true_hectares`` and ``predicted_hectares``; ``chip_probability``, the probability that the chip shows a mine,
        NaN where nothing is known.

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
        "chip_probability": _most_mine_like(probability[known], settings.chip_pixels),
    }


@dataclass(frozen=True)
class PairedMeasures:
    """Measures of two segmentations of the same chips.

    Attributes:
        candidate: Measures of the candidate, as :func:`measure_segmentation` gives them.
        rival: Those of the rival, of the same pixels of the same chips in the same order.
        one_sided: Number of pixels of known truth that only one of the two has judged, which are left out.
    """

    candidate: pd.DataFrame
    rival: pd.DataFrame
    one_sided: int


def measure_paired(
    chips: Iterable[PairedMaps],
    hectares_per_pixel: Mapping[str, float],
    thresholds: tuple[float, float],
    settings: SegmentationMeasureSettings,
) -> PairedMeasures:
    """Measure two segmentations of each chip on the pixels that both have judged, one chip at a time.

    A map has no probability where a band that it needs lacks data. If each were judged on its own pixels, a model that
    is silent where the ground is hard would look better than one that tries.

    Args:
        chips: Both maps and the truth.
        hectares_per_pixel: Area of a pixel by filename.
        thresholds: Threshold of the candidate and of the rival.
        settings: How to measure.

    Returns:
        The measures of both.

    Raises:
        ValueError: If a map and its mask differ in size.
    """
    rows: tuple[list[dict[str, object]], list[dict[str, object]]] = ([], [])
    one_sided = 0
    for name, *maps, mask in chips:
        judged = [known_pixels(name, probability, mask) for probability in maps]
        one_sided += int((judged[0] ^ judged[1]).sum())
        common = np.where(judged[0] & judged[1], mask, np.uint8(UNKNOWN))
        for found, probability, threshold in zip(rows, maps, thresholds, strict=True):
            measures = measure_chip(probability, common, threshold, hectares_per_pixel[name], settings, name)
            found.append({"filename": name, **measures})
    candidate, rival = (pd.DataFrame(found, columns=list(MEASURE_COLUMNS)) for found in rows)
    return PairedMeasures(candidate, rival, one_sided)


def called_mine(probability: ProbabilityMap, threshold: float) -> NDArray[np.bool_]:
    """Apply a threshold in double precision; rounded to half precision, it could move pixels across.

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
