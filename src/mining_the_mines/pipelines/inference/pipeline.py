"""A folder of unlabelled chips → probabilities, decisions and the competition's submission."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.inference.nodes import detect_mines, fill_in_submission


def create_pipeline() -> Pipeline:
    """Inference on chips."""
    nodes = [
        Node(detect_mines, ["unlabelled_chips", "detector"], "detections", name="detect_mines"),
        Node(fill_in_submission, "detections", "submission", name="fill_in_submission"),
    ]
    return Pipeline(nodes, namespace="classification", inputs="unlabelled_chips", tags="inference")
