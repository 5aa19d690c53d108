"""Scores of a segmentation over many chips, with intervals by place.

Figures that sum pixels (IoU, precision, recall, F1, boundary F1) are computed from the sums over all chips, as
segmentation benchmarks do: large mines count for more. Figures by image count each chip once. A chip without a mine
whose prediction is empty, too, counts as 1 there, which flatters where mines are rare; so chips with a mine are also
scored apart (``iou_per_mine_image``), and so are those without (``empty_kept_empty``).
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mining_the_mines.scoring.bootstrap import (
    BootstrapSettings,
    Bound,
    FloatArray,
    Interval,
    Scorer,
    bootstrap_intervals,
)
from mining_the_mines.scoring.metrics import ratio
from mining_the_mines.scoring.segmentation_measures import PIXEL_COUNTS, RIM_COUNTS
from mining_the_mines.scoring.tables import SCORE_COLUMNS, split_predictions

#: Name of the model in tables.
SEGMENTER: Final = "segmenter"
#: Scores from 0 to 1 with an interval; higher is better in all of them.
SEGMENTATION_SHARES: Final = (
    "iou", "f1", "precision", "recall", "boundary_f1", "iou_per_image", "iou_per_mine_image", "empty_kept_empty",
)  # fmt: skip
#: Figures with an interval, the most telling ones first.
SEGMENTATION_METRICS: Final = (
    *SEGMENTATION_SHARES, "area_bias_hectares", "area_bias_share", "area_error_hectares",
)  # fmt: skip
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


@dataclass(frozen=True)
class WeightedSegmentationScores(Scorer):
    """All of :data:`SEGMENTATION_METRICS` under many weightings of the same chips at once.

    Attributes:
        pixels: Pixels by truth and prediction in the order of
            :data:`~mining_the_mines.scoring.segmentation_measures.PIXEL_COUNTS`, float64 (N, 4).
        rims: Pixels of rims in the order of :data:`~mining_the_mines.scoring.segmentation_measures.RIM_COUNTS`,
            float64 (N, 4).
        hectares: True and predicted area, float64 (N, 2).
    """

    pixels: FloatArray
    rims: FloatArray
    hectares: FloatArray

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


def weighted_segmentation_scores(measures: pd.DataFrame) -> WeightedSegmentationScores:
    """Prepare the measures of some chips for scoring under many weightings.

    Args:
        measures: From :func:`~mining_the_mines.scoring.segmentation_measures.measure_segmentation`.
    """
    columns = (list(PIXEL_COUNTS), list(RIM_COUNTS), ["true_hectares", "predicted_hectares"])
    return WeightedSegmentationScores(*(measures[names].to_numpy(dtype=np.float64) for names in columns))


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
        scorer = weighted_segmentation_scores(members)
        figures = bootstrap_intervals(scorer, members["place"], settings)
        figures |= {name: Interval(float(members[name].sum()), np.nan, np.nan) for name in SEGMENTATION_TOTALS}
        size = (len(members), members["place"].nunique())
        rows += [(split, SEGMENTER, pd.NA, name, *interval, *size) for name, interval in figures.items()]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS)).astype({"category_excluded": "string"})


def chip_predictions(chips: pd.DataFrame) -> pd.DataFrame:
    """Turn the measures of a segmenter into predictions of a chip classifier.

    Args:
        chips: Measures with ``chip_probability``, ``true_hectares``, ``place``, ``fold`` and, of labelled chips,
            ``label``.

    Returns:
        One row per chip as :func:`~mining_the_mines.scoring.tables.score_table` takes them. A chip without label is
        a mine if its mask shows one; a chip of which nothing is known is left out.
    """
    known = chips[chips["chip_probability"].notna()]
    in_mask = (known["true_hectares"] > 0).astype("int64")
    label = known["label"].fillna(in_mask) if "label" in known else in_mask
    kept = [name for name in ("filename", "place", "fold", "category", "longitude", "latitude") if name in known]
    return known[kept].assign(label=label.astype("int64"), model=SEGMENTER, probability=known["chip_probability"])
