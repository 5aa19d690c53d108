"""Nodes that evaluate the segmenter. torch is imported by the node that predicts with it."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.chips.masks import check_masks
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes, write_probability_maps
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import pixel_hectares
from mining_the_mines.models.complete import MineSegmenter
from mining_the_mines.models.kinds import TrainedModel
from mining_the_mines.models.novelty import fit_novelty
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.segmentation import (
    MaskPair,
    SegmentationMeasureSettings,
    measure_segmentation,
    segmentation_score_table,
)
from mining_the_mines.scoring.tables import chip_predictions, intervals_of, score_table
from mining_the_mines.scoring.thresholds import (
    PixelThresholdSettings,
    ThresholdSettings,
    choose_pixel_threshold,
    choose_thresholds,
    pixel_threshold_curve,
    tally_pixels,
)

logger = logging.getLogger(__name__)


class SegmentationEvaluationSettings(BaseModel):
    """How the segmenter is scored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: PixelThresholdSettings = Field(PixelThresholdSettings(), description="Threshold of a pixel.")
    measures: SegmentationMeasureSettings = Field(
        SegmentationMeasureSettings(), description="How the segmentation of a chip is measured."
    )
    chip_threshold: ThresholdSettings = Field(
        ThresholdSettings(), description="Threshold of a chip, where the segmenter is scored as a classifier of chips."
    )
    bootstrap: BootstrapSettings = Field(BootstrapSettings(), description="How intervals are drawn.")
    batch_size: int = Field(16, ge=1, description="Chips that are predicted at a time.")


def choose_threshold(
    masks: PackedPlanes, probability_maps: PackedPlanes, evaluation: SegmentationEvaluationSettings
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Choose the threshold of a pixel on out-of-fold maps only.

    Args:
        masks: The truth.
        probability_maps: Out of fold.
        evaluation: Objective of the threshold.

    Returns:
        The decision (``threshold``, ``objective``, ``tolerance``), and the scores of other thresholds.
    """
    tally = tally_pixels(mask_pairs(masks, probability_maps), chip_hectares(masks))
    decision = {
        "threshold": choose_pixel_threshold(tally, evaluation.threshold),
        "objective": evaluation.threshold.objective,
        "tolerance": evaluation.measures.tolerance,
    }
    return decision, pixel_threshold_curve(tally)


def segment_test_chips(
    packed_chips: PackedChips,
    masks: PackedPlanes,
    folds: pd.DataFrame,
    network: TrainedModel,
    evaluation: SegmentationEvaluationSettings,
    drafts: Path,
) -> PackedPlanes:
    """Predict probability maps of the test split, which no training has seen, and write them to the drafts."""
    from mining_the_mines.models.ensemble import predict_packed

    check_masks(masks, packed_chips)
    test = folds.loc[folds["split"] == "test", "filename"]
    filenames = test[test.isin(masks.filenames)].tolist()
    maps: npt.NDArray[np.floating] = np.empty((0, *masks.size), dtype=np.float16)
    if filenames:
        maps = predict_packed(network.module, packed_chips, filenames, evaluation.batch_size)
    return write_probability_maps(drafts / "test_probability_maps", masks, filenames, maps)


def score_segmentation(
    masks: PackedPlanes,
    probability_maps: PackedPlanes,
    test_probability_maps: PackedPlanes,
    decision: dict[str, Any],
    folds: pd.DataFrame,
    evaluation: SegmentationEvaluationSettings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score the segmenter out of fold and on the test split.

    Args:
        masks: The truth.
        probability_maps: Out of fold.
        test_probability_maps: Of the test split.
        decision: The threshold.
        folds: Place and fold of each chip.
        evaluation: How to score.

    Returns:
        Scores with intervals, and the measures of each chip.
    """
    pairs = [*mask_pairs(masks, probability_maps), *mask_pairs(masks, test_probability_maps)]
    measured = measure_segmentation(pairs, chip_hectares(masks), decision["threshold"], evaluation.measures)
    chips = measured.merge(folds, on="filename", validate="one_to_one")
    scores = segmentation_score_table(chips, evaluation.bootstrap)
    for split, rows in scores.groupby("split", sort=False):
        value, low, high = intervals_of(rows)["iou"]
        logger.info("IoU of the segmenter, %s: %.3f (%.3f–%.3f).", split, value, low, high)
    return scores, chips


def compare_chip_scores(
    chip_scores: pd.DataFrame,
    evaluation: SegmentationEvaluationSettings,
    predictions: pd.DataFrame | None = None,
    decision: dict[str, Any] | None = None,
) -> pd.DataFrame:
    """Score the segmenter as a classifier of chips, beside the chosen classifier.

    Args:
        chip_scores: Measures of each chip.
        evaluation: How to score.
        predictions: Of the classifiers, if there are any; chips without a mask are left out.
        decision: The chosen classifier and its threshold.

    Returns:
        A score table of both; empty if all chips show a mine, or none.
    """
    rows = chip_predictions(chip_scores)
    if rows.loc[rows["fold"].notna(), "label"].nunique() < 2:
        logger.warning("All chips show a mine, or none: the segmenter can't be scored as a classifier.")
        return pd.DataFrame(columns=["split", "model", "metric", "value", "low", "high"])
    thresholds = choose_thresholds(rows, evaluation.chip_threshold)
    if predictions is not None and decision is not None:
        same = predictions[
            (predictions["model"] == decision["chosen"]) & predictions["filename"].isin(rows["filename"])
        ]
        rows = pd.concat([rows, same[[name for name in rows.columns if name in same]]], ignore_index=True)
        thresholds[decision["chosen"]] = decision["thresholds"][decision["chosen"]]
    return score_table(rows, thresholds, evaluation.bootstrap)


def complete_segmenter(
    network: TrainedModel,
    decision: dict[str, Any],
    chips: ChipSettings,
    packed_chips: PackedChips,
    folds: pd.DataFrame,
) -> MineSegmenter:
    """Join networks, threshold and a description of the training chips to a segmenter: reflectance in, maps out."""
    return MineSegmenter(chips, network, decision["threshold"], fit_novelty(packed_chips, folds))


def mask_pairs(masks: PackedPlanes, maps: PackedPlanes) -> Iterator[MaskPair]:
    """Yield map and mask of each chip with a map."""
    if len(maps) and maps.size != masks.size:
        raise BadInputError(
            f"Maps of {maps.size[1]} × {maps.size[0]} pixels can't be compared with masks of {masks.size[1]} × "
            f"{masks.size[0]}: run training again on these masks."
        )
    rows: Sequence[int] = masks.rows(maps.filenames).tolist()
    for name, row, probability in zip(maps.filenames, rows, maps.array, strict=True):
        yield name, probability, masks.array[row]


def chip_hectares(masks: PackedPlanes) -> dict[str, float]:
    """Hectares of a pixel of each chip."""
    return {name: pixel_hectares(grid) for name, grid in zip(masks.filenames, masks.grids, strict=True)}
