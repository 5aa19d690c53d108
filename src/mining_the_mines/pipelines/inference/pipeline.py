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
            ["unlabelled_chips", "unpacked_chips", "classifier"],
            "chip_predictions",
            name="classify_chips",
        ),
        Node(fill_in_submission, "chip_predictions", "submission", name="fill_in_submission"),
    ]
    return Pipeline(nodes, namespace="classification", inputs={"unlabelled_chips", "unpacked_chips"}, tags="inference")


def _segmentation() -> Pipeline:
    nodes = [
        Node(
            segment_chips,
            ["unlabelled_chips", "unpacked_chips", "segmenter", "params:vectors", "drafts"],
            "chip_predictions",
            name="segment_chips",
        )
    ]
    shared = {"unlabelled_chips", "unpacked_chips", "drafts"}
    return Pipeline(nodes, namespace="segmentation", inputs=shared, tags="inference")
