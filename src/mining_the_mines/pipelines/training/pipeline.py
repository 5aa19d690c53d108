"""Features, packed chips and masks → models and their out-of-fold probabilities."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.training.nodes import blend_models, train_classifiers, train_segmenter


def create_pipeline() -> Pipeline:
    """Training, a namespace a task."""
    return _classification() + _segmentation()


def _classification() -> Pipeline:
    nodes = [
        Node(
            train_classifiers,
            [
                "packed_chips",
                "features",
                "folds",
                "band_statistics",
                "checkpoints",
                "params:models",
                "params:features",
                "params:cross_validation",
                "params:dask",
            ],
            ["models", "probabilities", "importances", "learning_curves"],
            name="train_classifiers",
        ),
        Node(blend_models, ["probabilities", "folds"], ["blend", "blend_probabilities"], name="blend_models"),
    ]
    return Pipeline(
        nodes,
        namespace="classification",
        inputs={"features", "folds", "packed_chips", "band_statistics"},
        parameters={"params:features", "params:cross_validation", "params:dask"},
        tags="training",
    )


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
                "checkpoints",
                "params:windows",
                "params:training",
                "params:cross_validation",
                "params:dask",
                "drafts",
            ],
            ["network", "probability_maps", "learning_curves"],
            name="train_segmenter",
        )
    ]
    return Pipeline(
        nodes,
        namespace="segmentation",
        inputs={"folds", "packed_chips", "band_statistics", "drafts"},
        parameters={"params:cross_validation", "params:dask"},
        tags="training",
    )
