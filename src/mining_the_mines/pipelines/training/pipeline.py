"""Features, packed chips and masks → models and their out-of-fold probabilities."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.training.nodes import blend_models, train_baseline, train_network, train_segmenter


def create_pipeline() -> Pipeline:
    """Training, a namespace a task."""
    return _classification() + _segmentation()


def _classification() -> Pipeline:
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
    shared = {"features", "folds", "packed_chips", "band_statistics"}
    return Pipeline(nodes, namespace="classification", inputs=shared, tags="training")


def _segmentation() -> Pipeline:
    nodes = [
        Node(
            train_segmenter,
            [
                "packed_chips",
                "masks",
                "windows",
                "folds",
                "band_statistics",
                "workspace",
                "params:windows",
                "params:training",
                "drafts",
            ],
            ["network", "probability_maps", "learning_curves"],
            name="train_segmenter",
        )
    ]
    return Pipeline(
        nodes, namespace="segmentation", inputs={"folds", "packed_chips", "band_statistics", "drafts"}, tags="training"
    )
