"""Packed chips → feature table."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.feature_extraction.nodes import extract_features
from mining_the_mines.pipelines.tasks import CLASSIFICATION


def create_pipeline() -> Pipeline:
    """Feature extraction for the baseline."""
    return Pipeline(
        [Node(extract_features, ["packed_chips", "params:features"], "features", name="extract_features")],
        namespace=CLASSIFICATION,
        prefix_datasets_with_namespace=False,
        tags="feature_extraction",
    )
