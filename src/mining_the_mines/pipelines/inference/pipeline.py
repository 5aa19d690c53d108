"""A folder of unlabelled chips → decisions and the competition's submission; probabilities, masks and polygons."""

from collections.abc import Collection

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.inference.nodes import detect_mines, fill_in_submission, outline_mines
from mining_the_mines.pipelines.tasks import CLASSIFICATION, SEGMENTATION, TASKS, Task


def create_pipeline(tasks: Collection[Task] = TASKS) -> Pipeline:
    """Inference on chips, a namespace a task."""
    parts = {CLASSIFICATION: _classification, SEGMENTATION: _segmentation}
    return sum((parts[task]() for task in tasks), start=Pipeline([]))


def _classification() -> Pipeline:
    nodes = [
        Node(detect_mines, ["unlabelled_chips", "detector"], "detections", name="detect_mines"),
        Node(fill_in_submission, "detections", "submission", name="fill_in_submission"),
    ]
    return Pipeline(nodes, namespace=CLASSIFICATION, inputs="unlabelled_chips", tags="inference")


def _segmentation() -> Pipeline:
    nodes = [Node(outline_mines, ["unlabelled_chips", "outliner", "params:vectors"], "outlines", name="outline_mines")]
    return Pipeline(nodes, namespace=SEGMENTATION, inputs="unlabelled_chips", tags="inference")
