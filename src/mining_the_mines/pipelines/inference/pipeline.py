"""A folder of unlabelled chips → decisions and the competition's submission; probabilities, masks and polygons."""

from collections.abc import Collection

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.inference.nodes import classify_chips, fill_in_submission, segment_chips
from mining_the_mines.pipelines.tasks import CLASSIFICATION, SEGMENTATION, TASKS, Task


def create_pipeline(tasks: Collection[Task] = TASKS) -> Pipeline:
    """Inference on chips, a namespace a task."""
    parts = {CLASSIFICATION: _classification, SEGMENTATION: _segmentation}
    return sum((parts[task]() for task in tasks), start=Pipeline([]))


def _classification() -> Pipeline:
    nodes = [
        Node(classify_chips, ["unlabelled_chips", "classifier"], "chip_predictions", name="classify_chips"),
        Node(fill_in_submission, "chip_predictions", "submission", name="fill_in_submission"),
    ]
    return Pipeline(nodes, namespace=CLASSIFICATION, inputs="unlabelled_chips", tags="inference")


def _segmentation() -> Pipeline:
    nodes = [
        Node(
            segment_chips, ["unlabelled_chips", "segmenter", "params:vectors"], "chip_predictions", name="segment_chips"
        )
    ]
    return Pipeline(nodes, namespace=SEGMENTATION, inputs="unlabelled_chips", tags="inference")
