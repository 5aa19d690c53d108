"""A folder of unlabelled chips → decisions and the competition's submission; probabilities, masks and polygons."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.inference.nodes import classify_chips, fill_in_submission, segment_chips


def create_pipeline() -> Pipeline:
    """Inference on chips, a namespace a task."""
    return _classification() + _segmentation()


def _classification() -> Pipeline:
    nodes = [
        Node(
            classify_chips,
            ["unlabelled_chips", "unpacked_chips", "classifier", "params:imagery"],
            "chip_predictions",
            name="classify_chips",
        ),
        Node(fill_in_submission, "chip_predictions", "submission", name="fill_in_submission"),
    ]
    shared = {"unlabelled_chips", "unpacked_chips"}
    return _in_namespace("classification", nodes, shared)


def _segmentation() -> Pipeline:
    nodes = [
        Node(
            segment_chips,
            ["unlabelled_chips", "unpacked_chips", "segmenter", "params:imagery", "params:vectors", "drafts"],
            "chip_predictions",
            name="segment_chips",
        )
    ]
    shared = {"unlabelled_chips", "unpacked_chips", "drafts"}
    return _in_namespace("segmentation", nodes, shared)


def _in_namespace(task: str, nodes: list[Node], shared: set[str]) -> Pipeline:
    return Pipeline(nodes, namespace=task, inputs=shared, parameters={"params:imagery"}, tags="inference")
