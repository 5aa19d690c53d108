"""Packed chips → feature table."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.feature_extraction.nodes import extract_features


def create_pipeline() -> Pipeline:
    """Feature extraction for the models that learn from tables."""
    return Pipeline(
        [Node(extract_features, ["packed_chips", "params:features"], "features", name="extract_features")],
        namespace="classification",
        prefix_datasets_with_namespace=False,
        tags="feature_extraction",
    )
