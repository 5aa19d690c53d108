"""Complete models and their scores → packages, a decision on promotion, and versions in the registry."""

from collections.abc import Set
from typing import Final

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.registration.nodes import (
    compare_classifiers,
    fetch_champion,
    package_model,
    register_model,
    write_classifier_card,
)
from mining_the_mines.pipelines.registration.segmentation_nodes import compare_segmenters, write_segmenter_card

#: The only setting of the report that a card depends on: a new title makes no new package.
_CAVEATS: Final = "params:reporting.caveats"
#: Tag of the nodes that read or change the registry; ``kedro reproduce`` leaves them out.
REGISTRY_TAG: Final = "registry"


def create_pipeline() -> Pipeline:
    """Registration, a namespace a task."""
    return _classification() + _segmentation()


def _classification() -> Pipeline:
    card = ["classifier", "scores", "category_scores", "predictions", "folds", "params:registration", _CAVEATS]
    compared = ["package", "champion", "predictions", "packed_chips", "params:registration"]
    nodes = [
        Node(write_classifier_card, card, "card", name="write_classifier_card"),
        _package("classifier", []),
        Node(compare_classifiers, compared, "promotion", name="compare_with_champion", tags=REGISTRY_TAG),
        *_registry(),
    ]
    return _namespaced(nodes, "classification")


def _segmentation() -> Pipeline:
    card = ["segmenter", "scores", "chip_scores", "folds", "masks", "params:registration", _CAVEATS]
    compared = [
        "package", "champion", "chip_scores", "test_probability_maps", "masks", "packed_chips", "params:registration",
        "params:evaluation",
    ]  # fmt: skip
    nodes = [
        Node(write_segmenter_card, card, "card", name="write_segmenter_card"),
        _package("segmenter", ["masks"]),
        Node(compare_segmenters, compared, "promotion", name="compare_with_champion", tags=REGISTRY_TAG),
        *_registry(),
    ]
    return _namespaced(nodes, "segmentation")


def create_student_registration() -> Pipeline:
    """Registration of the student, as of any segmenter; its version names that of its teacher."""
    masks, evaluation = "segmentation.masks", "params:segmentation.evaluation"
    card = ["segmenter", "scores", "chip_scores", "folds", masks, "params:registration", _CAVEATS]
    compared = [
        "package", "champion", "chip_scores", "test_probability_maps", masks, "packed_chips", "params:registration",
        evaluation,
    ]  # fmt: skip
    nodes = [
        Node(write_segmenter_card, card, "card", name="write_segmenter_card"),
        _package("segmenter", [masks]),
        Node(compare_segmenters, compared, "promotion", name="compare_with_champion", tags=REGISTRY_TAG),
        *_registry("teacher"),
    ]
    return _namespaced(nodes, "student", {masks}, {evaluation})


def _package(model: str, masks: list[str]) -> Node:
    inputs = [model, "card", "scores", "packed_chips", "folds", "params:registration", "model_drafts", *masks]
    return Node(package_model, inputs, "package", name="package_model")


def _registry(*teacher: str) -> list[Node]:
    registered = ["package", "promotion", "run_facts", "params:registration", *teacher]
    champion = ["params:registration", "registered_models"]
    return [
        Node(fetch_champion, champion, "champion", name="fetch_champion", tags=REGISTRY_TAG),
        Node(register_model, registered, "registered", name="register_model", tags=REGISTRY_TAG),
    ]


def _namespaced(
    nodes: list[Node], task: str, inputs: Set[str] = frozenset(), parameters: Set[str] = frozenset()
) -> Pipeline:
    return Pipeline(
        nodes,
        namespace=task,
        inputs={"folds", "packed_chips", "run_facts", "model_drafts", "registered_models", *inputs},
        parameters={_CAVEATS, *parameters},
        tags="registration",
    )
