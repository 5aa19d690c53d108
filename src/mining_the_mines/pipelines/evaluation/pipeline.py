"""Models and out-of-fold probabilities → scores, the decision for one model, and the complete detector."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.evaluation.nodes import (
    complete_detector,
    gather_predictions,
    predict_test_chips,
    score_models,
)


def create_pipeline() -> Pipeline:
    """Evaluation of chip classifiers."""
    models = ["baseline", "network", "blend"]
    nodes = [
        Node(
            predict_test_chips,
            ["packed_chips", "features", "folds", *models, "params:evaluation"],
            "test_probabilities",
            name="predict_test_chips",
        ),
        Node(
            gather_predictions,
            [
                "folds",
                "baseline_probabilities",
                "network_probabilities",
                "blend_probabilities",
                "test_probabilities",
            ],
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
            complete_detector,
            [*models, "decision", "packed_chips", "params:imagery", "params:features"],
            "detector",
            name="complete_detector",
        ),
    ]
    return Pipeline(
        nodes,
        namespace="classification",
        inputs={"features", "folds", "packed_chips"},
        parameters={"params:evaluation", "params:imagery", "params:features"},
        tags="evaluation",
    )
