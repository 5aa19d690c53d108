"""Models and out-of-fold probabilities → thresholds, scores, and models that are complete with them."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.evaluation.nodes import (
    complete_classifier,
    gather_predictions,
    predict_test_chips,
    score_models,
)
from mining_the_mines.pipelines.evaluation.segmentation_nodes import (
    choose_threshold,
    compare_chip_scores,
    complete_segmenter,
    score_segmentation,
    segment_test_chips,
)


def create_pipeline() -> Pipeline:
    """Evaluation, a namespace per task, and both compared on the same question."""
    return _classification() + _segmentation() + _comparison()


def _classification() -> Pipeline:
    nodes = [
        Node(
            predict_test_chips,
            ["packed_chips", "folds", "models", "blend", "params:evaluation"],
            "test_probabilities",
            name="predict_test_chips",
        ),
        Node(
            gather_predictions,
            ["folds", "probabilities", "blend_probabilities", "test_probabilities"],
            "predictions",
            name="gather_predictions",
        ),
        Node(
            score_models,
            ["predictions", "params:evaluation"],
            ["decision", "scores", "category_scores", "differences"],
            name="score_models",
        ),
        Node(
            complete_classifier,
            ["models", "blend", "decision", "packed_chips", "params:imagery", "predictions", "folds"],
            "classifier",
            name="complete_classifier",
        ),
    ]
    return Pipeline(
        nodes,
        namespace="classification",
        inputs={"folds", "packed_chips"},
        parameters="params:imagery",
        tags="evaluation",
    )


def _segmentation() -> Pipeline:
    nodes = [
        Node(
            choose_threshold,
            ["masks", "probability_maps", "params:evaluation"],
            ["decision", "threshold_curve"],
            name="choose_threshold",
        ),
        Node(
            segment_test_chips,
            ["packed_chips", "masks", "folds", "network", "params:evaluation", "drafts"],
            "test_probability_maps",
            name="segment_test_chips",
        ),
        Node(
            score_segmentation,
            ["masks", "probability_maps", "test_probability_maps", "decision", "folds", "params:evaluation"],
            ["scores", "chip_scores"],
            name="score_segmentation",
        ),
        Node(
            complete_segmenter,
            ["network", "decision", "params:imagery", "packed_chips", "folds"],
            "segmenter",
            name="complete_segmenter",
        ),
    ]
    return Pipeline(
        nodes,
        namespace="segmentation",
        inputs={"folds", "packed_chips", "drafts"},
        parameters="params:imagery",
        tags="evaluation",
    )


def _comparison() -> Pipeline:
    """A segmenter says whether a chip shows a mine, too: it is scored beside the classifier."""
    inputs = {
        "chip_scores": "segmentation.chip_scores",
        "evaluation": "params:segmentation.evaluation",
        "predictions": "classification.predictions",
        "decision": "classification.decision",
    }
    node = Node(compare_chip_scores, inputs, "chip_classification_scores", name="compare_chip_scores")
    return Pipeline([node], namespace="reporting", prefix_datasets_with_namespace=False, tags="evaluation")
