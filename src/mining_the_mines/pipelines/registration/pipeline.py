"""Complete models and their scores → models for strangers, a decision, and a version in the registry."""

from typing import Final

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.registration.nodes import (
    compare_classifiers,
    package_model,
    register_model,
    write_classifier_card,
)
from mining_the_mines.pipelines.registration.segmentation_nodes import compare_segmenters, write_segmenter_card

#: All that a card tells of the report's settings: another title is no reason for another card, and so another package.
_CAVEATS: Final = "params:reporting.caveats"
#: Tag of nodes that read or change the model registry: ``kedro reproduce`` leaves them out.
_REGISTRY: Final = "registry"


def create_pipeline() -> Pipeline:
    """Registration, a namespace a task."""
    return _classification() + _segmentation()


def _classification() -> Pipeline:
    card = ["classifier", "scores", "category_scores", "predictions", "folds", "params:registration", _CAVEATS]
    nodes = [
        Node(write_classifier_card, card, "card", name="write_classifier_card"),
        _package("classifier", []),
        Node(
            compare_classifiers,
            ["package", "champion", "predictions", "packed_chips", "params:registration"],
            "promotion",
            name="compare_with_champion",
            tags=_REGISTRY,
        ),
        _registration(),
    ]
    return _namespaced(nodes, "classification")


def _segmentation() -> Pipeline:
    card = ["segmenter", "scores", "chip_scores", "folds", "masks", "params:registration", _CAVEATS]
    weighed = ["package", "champion", "chip_scores", "test_probability_maps", "masks", "packed_chips"]
    nodes = [
        Node(write_segmenter_card, card, "card", name="write_segmenter_card"),
        _package("segmenter", ["masks"]),
        Node(
            compare_segmenters,
            [*weighed, "params:registration", "params:evaluation"],
            "promotion",
            name="compare_with_champion",
            tags=_REGISTRY,
        ),
        _registration(),
    ]
    return _namespaced(nodes, "segmentation")


def _package(model: str, masks: list[str]) -> Node:
    inputs = [model, "card", "scores", "packed_chips", "folds", "params:registration", *masks]
    return Node(package_model, inputs, "package", name="package_model")


def _registration() -> Node:
    inputs = ["package", "promotion", "run_facts", "params:registration"]
    return Node(register_model, inputs, "registered", name="register_model", tags=_REGISTRY)


def _namespaced(nodes: list[Node], task: str) -> Pipeline:
    return Pipeline(
        nodes,
        namespace=task,
        inputs={"folds", "packed_chips", "run_facts"},
        parameters={_CAVEATS},
        tags="registration",
    )
