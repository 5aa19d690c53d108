"""Measures of a segmentation chip by chip, and scores over many chips with intervals by place.

A chip is measured by its pixels, rims and hectares, and as a whole. The rim is scored after Csurka, Larlus and
Perronnin, *What is a good evaluation measure for semantic segmentation?*, BMVC 2013: a pixel of one rim is matched if
the other rim comes within a few pixels of it. A rim separates mine from ground that is known to be none, so that it
does not follow the chip's border or the edge of missing data.

Figures that sum pixels (IoU, precision, recall, F1, boundary F1) are computed from the sums over all chips, as
segmentation benchmarks do: large mines count for more. Figures by image count each chip once. A chip without a mine
whose prediction is empty, too, counts as 1 there, which flatters where mines are rare; so chips with a mine are also
scored apart (``iou_per_mine_image``), and so are those without (``empty_kept_empty``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage
from scipy.spatial import KDTree

from mining_the_mines.scoring.bootstrap import (
    BootstrapSettings,
    Bound,
    FloatArray,
    Interval,
    Scorer,
    bootstrap_intervals,
)
from mining_the_mines.scoring.metrics import ratio
from mining_the_mines.scoring.tables import SCORE_COLUMNS, SEGMENTER, split_predictions

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
    "filename", *PIXEL_COUNTS, "iou", *RIM_COUNTS, "true_hectares", "predicted_hectares", "chip_probability",
)  # fmt: skip

ProbabilityMap: TypeAlias = NDArray[np.floating]
Mask: TypeAlias = NDArray[np.uint8]
#: Filename, probability map (H, W) and true mask (H, W) of a chip.
MaskPair: TypeAlias = tuple[str, ProbabilityMap, Mask]
#: Filename, two probability maps (H, W) and true mask (H, W) of a chip.
PairedMaps: TypeAlias = tuple[str, ProbabilityMap, ProbabilityMap, Mask]
#: Scores from 0 to 1 with an interval; higher is better in all of them.
SEGMENTATION_SHARES: Final = (
    "iou", "f1", "precision", "recall", "boundary_f1", "iou_per_image", "iou_per_mine_image", "empty_kept_empty",
)  # fmt: skip
#: Figures with an interval, the most telling ones first.
SEGMENTATION_METRICS: Final = (*SEGMENTATION_SHARES, "area_bias_hectares", "area_bias_share", "area_error_hectares")
#: Totals of the very chips that are scored, so without an interval.
SEGMENTATION_TOTALS: Final = ("true_hectares", "predicted_hectares")
SEGMENTATION_TITLES = MappingProxyType(
    {
        "iou": "IoU",
        "boundary_f1": "Boundary F1",
        "iou_per_image": "IoU per image",
        "iou_per_mine_image": "IoU per image with a mine",
        "empty_kept_empty": "Empty images kept empty",
        "area_bias_hectares": "Area bias",
        "area_bias_share": "Relative area bias",
        "area_error_hectares": "Area error per image",
        "true_hectares": "True area",
        "predicted_hectares": "Predicted area",
    }
)


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


class PairedMeasures(NamedTuple):
    """Measures of two segmentations of the same pixels of the same chips, in the same order.

    Attributes:
        candidate: As :func:`measure_segmentation` gives them.
        rival: Those of the rival.
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


def _compare_rims(
    predicted: NDArray[np.bool_], true: NDArray[np.bool_], known: NDArray[np.bool_], tolerance: float
) -> dict[str, float]:
    """Count pixels of rims: pixels of mines that share an edge with a known pixel that is none."""
    ours, theirs = (mine & ndimage.binary_dilation(known & ~mine) for mine in (predicted, true))
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


@dataclass(frozen=True, eq=False)
class WeightedSegmentationScores(Scorer):
    """All of :data:`SEGMENTATION_METRICS` under many weightings of the same chips at once.

    Attributes:
        measures: From :func:`measure_segmentation`, N rows.
    """

    measures: pd.DataFrame

    @cached_property
    def pixels(self) -> FloatArray:
        """Pixels by truth and prediction, (N, 4), as in :data:`PIXEL_COUNTS`."""
        return self.measures[list(PIXEL_COUNTS)].to_numpy(dtype=np.float64)

    @cached_property
    def rims(self) -> FloatArray:
        """Pixels of rims, (N, 4), as in :data:`RIM_COUNTS`."""
        return self.measures[list(RIM_COUNTS)].to_numpy(dtype=np.float64)

    @cached_property
    def hectares(self) -> FloatArray:
        """True and predicted area, (N, 2)."""
        return self.measures[["true_hectares", "predicted_hectares"]].to_numpy(dtype=np.float64)

    def __call__(self, weights: FloatArray) -> dict[str, FloatArray]:
        """Compute all of :data:`SEGMENTATION_METRICS` for each weighting."""
        return self._by_pixel(weights) | self._by_rim(weights) | self._by_image(weights) | self._by_area(weights)

    def bounds(self) -> dict[str, Bound]:
        """Ranges of the shares, each with the chips that it is about."""
        hits, alarms, missed, _ = (self.pixels > 0).T
        mine, called, rims = hits | missed, hits | alarms, (self.rims[:, [1, 3]] > 0).any(axis=1)
        about = {
            "iou": mine | called,
            "f1": mine | called,
            "precision": called,
            "recall": mine,
            "boundary_f1": rims,
            "iou_per_image": self._is_known,
            "iou_per_mine_image": mine,
            "empty_kept_empty": self._is_known & ~mine,
        }
        return {name: Bound(chips) for name, chips in about.items()}

    @property
    def _is_known(self) -> NDArray[np.bool_]:
        known: NDArray[np.bool_] = self.pixels.sum(axis=1) > 0
        return known

    def _by_pixel(self, weights: FloatArray) -> dict[str, FloatArray]:
        hits, alarms, missed, _ = (weights @ self.pixels).T
        return {
            "iou": ratio(hits, hits + alarms + missed),
            "f1": ratio(2 * hits, 2 * hits + alarms + missed),
            "precision": ratio(hits, hits + alarms),
            "recall": ratio(hits, hits + missed),
        }

    def _by_rim(self, weights: FloatArray) -> dict[str, FloatArray]:
        """F1 of the shares of both rims that are matched; 0 where only one of truth and prediction has a rim."""
        near_predicted, predicted, near_true, true = (weights @ self.rims).T
        precision, recall = (
            np.nan_to_num(ratio(near, rim)) for near, rim in ((near_predicted, predicted), (near_true, true))
        )
        both = np.nan_to_num(ratio(2 * precision * recall, precision + recall))
        return {"boundary_f1": np.where(predicted + true > 0, both, np.nan)}

    def _by_image(self, weights: FloatArray) -> dict[str, FloatArray]:
        hits, alarms, missed, _ = self.pixels.T
        union = hits + alarms + missed
        iou = np.divide(hits, union, out=np.ones_like(hits), where=union > 0)
        known, mine = self._is_known, hits + missed > 0
        of_known, of_mines, of_empty = (weights * chosen for chosen in (known, mine, known & ~mine))
        return {
            "iou_per_image": ratio(of_known @ iou, of_known.sum(axis=1)),
            "iou_per_mine_image": ratio(of_mines @ iou, of_mines.sum(axis=1)),
            "empty_kept_empty": ratio(of_empty @ (alarms == 0).astype(np.float64), of_empty.sum(axis=1)),
        }

    def _by_area(self, weights: FloatArray) -> dict[str, FloatArray]:
        true, predicted = self.hectares.T
        bias = weights @ (predicted - true)
        of_known = weights * self._is_known
        return {
            "area_bias_hectares": bias,
            "area_bias_share": ratio(bias, weights @ true),
            "area_error_hectares": ratio(of_known @ np.abs(predicted - true), of_known.sum(axis=1)),
        }


def segmentation_score_table(chips: pd.DataFrame, settings: BootstrapSettings) -> pd.DataFrame:
    """Score a segmenter out of fold and on the test split.

    Args:
        chips: Measures from :func:`measure_segmentation`, one row per chip, with
            ``place`` and ``fold`` (missing for test chips).
        settings: How intervals are drawn.

    Returns:
        Long table with the columns of :func:`~mining_the_mines.scoring.tables.score_table`; ``category_excluded`` is
        always missing. Areas are in hectares: the bias is that of all chips together (predicted − true), the error
        the mean distance of a chip. :data:`SEGMENTATION_TOTALS` have no interval.

    Raises:
        ValueError: If a chip has no place.
    """
    rows: list[tuple[object, ...]] = []
    for split, members in split_predictions(chips):
        scorer = WeightedSegmentationScores(members)
        figures = bootstrap_intervals(scorer, members["place"], settings)
        figures |= {name: Interval(float(members[name].sum()), np.nan, np.nan) for name in SEGMENTATION_TOTALS}
        size = (len(members), members["place"].nunique())
        rows += [(split, SEGMENTER, pd.NA, name, *interval, *size) for name, interval in figures.items()]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS)).astype({"category_excluded": "string"})
