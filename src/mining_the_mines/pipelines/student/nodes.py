"""Nodes of the student. torch is imported by the nodes that train and predict with it."""

import logging
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes
from mining_the_mines.chips.teaching_ground import TeachingWindows, draw_teaching_ground
from mining_the_mines.core.code_hash import code_hash
from mining_the_mines.core.execution_fields import result_parameters
from mining_the_mines.core.hashing import hash_values
from mining_the_mines.models.complete import MineSegmenter
from mining_the_mines.models.student import StudentSettings, teach
from mining_the_mines.pipelines.evaluation.segmentation_nodes import (
    SegmentationEvaluationSettings,
    chip_hectares,
    mask_pairs,
)
from mining_the_mines.pipelines.evaluation.segmentation_nodes import segment_test_chips as segment
from mining_the_mines.registry.card import region_of
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.scoring.bootstrap import paired_difference
from mining_the_mines.scoring.segmentation import (
    WeightedSegmentationScores,
    measure_segmentation,
    segmentation_score_table,
)

logger = logging.getLogger(__name__)


def train_student(
    teacher: MineSegmenter,
    composites: Sequence[Composite],
    masks: PackedPlanes,
    folds: pd.DataFrame,
    training: StudentSettings,
    checkpoints: Path,
) -> tuple[MineSegmenter, pd.DataFrame]:
    """Teach a student the probabilities of the segmenter on all ground of the composites, with labels or without.

    Ground that scores the student stays hidden: regions that no model has seen, and windows that touch a test chip.

    Args:
        teacher: The segmenter.
        composites: One a region.
        masks: Grids of the chips.
        folds: Split and place of each chip; a place begins with its region.
        training: How the student learns.
        checkpoints: Work folder; an interrupted training of the same teacher, ground, settings and code goes on.

    Returns:
        The student with the threshold of its teacher, and its learning curve.
    """
    test, regions = folds["split"] == "test", folds["place"].map(region_of)
    hidden = folds.loc[test & folds["filename"].isin(masks.filenames), "filename"]
    ground = draw_teaching_ground(
        composites,
        teacher.chips,
        TeachingWindows(teacher.window, training.windows, training.seed),
        hidden_regions=set(regions[test]) - set(regions[~test]),
        hidden_chips=[masks.grids[row] for row in masks.rows(hidden.tolist())],
    )
    content = "" if teacher.source is None else teacher.source.content_hash()
    depends_on = [result_parameters(training), content, ground.content_hash, code_hash(__name__), version("torch")]
    folder = checkpoints / hash_values(depends_on)[:16]
    for other in checkpoints.iterdir():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    student, curve = teach(teacher, ground, training, folder)
    shutil.rmtree(folder, ignore_errors=True)
    return student, pd.DataFrame(curve)


def segment_test_chips(
    packed_chips: PackedChips,
    masks: PackedPlanes,
    folds: pd.DataFrame,
    student: MineSegmenter,
    evaluation: SegmentationEvaluationSettings,
    drafts: Path,
) -> PackedPlanes:
    """Predict probability maps of the test split with the student."""
    return segment(packed_chips, masks, folds, student.network, evaluation, drafts / "student")


def score_student(
    student: MineSegmenter,
    masks: PackedPlanes,
    test_probability_maps: PackedPlanes,
    folds: pd.DataFrame,
    teacher_scores: pd.DataFrame,
    evaluation: SegmentationEvaluationSettings,
    training: StudentSettings,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Score the student on the test chips, and decide whether it makes the maps.

    Args:
        student: The student.
        masks: The truth.
        test_probability_maps: Of the test chips, by the student.
        folds: Place of each chip.
        teacher_scores: Measures of each chip by the teacher.
        evaluation: How to score.
        training: The loss of IoU that is tolerated.

    Returns:
        Scores with intervals; the measures of each chip; and the decision: ``teacher``, ``iou``, ``teacher_iou``,
        ``difference`` with its interval (``low``, ``high``), and ``makes_maps``. Without test chips it makes none.
    """
    pairs = mask_pairs(masks, test_probability_maps)
    measured = measure_segmentation(pairs, chip_hectares(masks), student.threshold, evaluation.measures)
    chips = measured.merge(folds, on="filename", validate="one_to_one")
    scores = segmentation_score_table(chips, evaluation.bootstrap).assign(model="student")
    decision: dict[str, Any] = {"teacher": student.teacher, "makes_maps": False}
    if chips.empty:
        logger.warning("Without test chips nothing tells how good the student is: the segmenter makes the maps.")
        return scores, chips, decision
    theirs = teacher_scores.set_index("filename").loc[chips["filename"]].reset_index()
    own, rival = WeightedSegmentationScores(chips), WeightedSegmentationScores(theirs)
    difference, low, high = paired_difference(own, rival, chips["place"], evaluation.bootstrap)["iou"]
    value = float(scores.loc[scores["metric"] == "iou", "value"].iloc[0])
    decision |= {"iou": value, "teacher_iou": value - difference, "difference": difference, "low": low, "high": high}
    decision["makes_maps"] = bool(difference >= -training.tolerated_loss)
    logger.info(
        "IoU of the student on the test chips: %.3f, %+.3f (%+.3f to %+.3f) against its teacher: %s.",
        value, difference, low, high, "it makes the maps" if decision["makes_maps"] else "the teacher makes the maps",
    )  # fmt: skip
    return scores, chips, decision
