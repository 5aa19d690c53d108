"""Answers of reviewers → labels → corrected polygons → chips, folds and masks with them."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines import compositing, feature_extraction, preprocessing
from mining_the_mines.pipelines.corrections.nodes import learn_from_reviews


def create_pipeline() -> Pipeline:
    """Corrections, and all that training reads, cut and drawn anew from the composites that are there."""
    inputs = ["review_answers", "earlier_sample", "composites", "earlier_manifest", "earlier_folds", "mine_polygons"]
    corrections = Pipeline(
        [Node(learn_from_reviews, inputs, ["corrections", "corrected_polygons"], name="learn_from_reviews")],
        namespace="corrections",
        prefix_datasets_with_namespace=False,
        tags="corrections",
    )
    cutting = compositing.create_pipeline().only_nodes("compositing.cut_chips")
    return corrections + cutting + preprocessing.create_pipeline() + feature_extraction.create_pipeline()
