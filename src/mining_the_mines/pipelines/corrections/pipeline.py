"""Answers of reviewers → labels → corrected polygons."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.corrections.nodes import learn_from_reviews


def create_pipeline() -> Pipeline:
    """Corrections that the next training may learn from."""
    inputs = ["review_answers", "earlier_sample", "test_regions", "mine_polygons"]
    return Pipeline(
        [Node(learn_from_reviews, inputs, ["corrections", "corrected_polygons"], name="learn_from_reviews")],
        namespace="corrections",
        prefix_datasets_with_namespace=False,
        tags="corrections",
    )
