"""Features and packed chips → baseline, network, blend and their out-of-fold probabilities."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.training.nodes import blend_models, train_baseline, train_network

SHARED = {"features", "folds", "packed_chips", "band_statistics"}


def create_pipeline() -> Pipeline:
    """Training of chip classifiers."""
    nodes = [
        Node(
            train_baseline,
            ["features", "folds", "params:baseline"],
            ["baseline", "baseline_probabilities", "importances"],
            name="train_baseline",
        ),
        Node(
            train_network,
            ["packed_chips", "folds", "band_statistics", "workspace", "params:training"],
            ["network", "network_probabilities", "learning_curves"],
            name="train_network",
        ),
        Node(
            blend_models,
            ["baseline_probabilities", "network_probabilities", "folds"],
            ["blend", "blend_probabilities"],
            name="blend_models",
        ),
    ]
    return Pipeline(
        nodes,
        namespace="classification",
        inputs=SHARED,
        parameters={"params:baseline", "params:training"},
        tags="training",
    )
