"""Segmenter and composites → a student, its scores, and its version in the registry."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.registration.pipeline import create_student_registration
from mining_the_mines.pipelines.student.nodes import score_student, segment_test_chips, train_student


def create_pipeline() -> Pipeline:
    """Teaching, scoring and registration of the student."""
    nodes = [
        Node(
            train_student,
            [
                "segmentation.segmenter",
                "composites",
                "segmentation.masks",
                "folds",
                "params:training",
                "checkpoints",
            ],
            ["segmenter", "learning_curves"],
            name="train_student",
        ),
        Node(
            segment_test_chips,
            ["packed_chips", "segmentation.masks", "folds", "segmenter", "params:segmentation.evaluation", "drafts"],
            "test_probability_maps",
            name="segment_test_chips",
        ),
        Node(
            score_student,
            [
                "segmenter", "segmentation.masks", "test_probability_maps", "folds", "segmentation.chip_scores",
                "params:segmentation.evaluation", "params:training",
            ],
            ["scores", "chip_scores", "decision"],
            name="score_student",
        ),
    ]  # fmt: skip
    teaching = Pipeline(
        nodes,
        namespace="student",
        inputs={
            "composites", "folds", "packed_chips", "drafts", "segmentation.segmenter",
            "segmentation.masks", "segmentation.chip_scores",
        },
        parameters={"params:segmentation.evaluation"},
        tags="student",
    )  # fmt: skip
    return teaching + create_student_registration().tag("student")
