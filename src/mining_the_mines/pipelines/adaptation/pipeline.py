"""A folder of chips of a new region → calibration and threshold there → a model version of its own."""

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.adaptation.nodes import (
    adapt_classifier,
    package_adapted_classifier,
    read_region,
    register_adapted_classifier,
)
from mining_the_mines.pipelines.registration.pipeline import REGISTRY_TAG


def create_pipeline() -> Pipeline:
    """Adaptation of the classifier."""
    classifier, registration = "classification.classifier", "params:classification.registration"
    return Pipeline(
        [
            Node(
                read_region,
                ["region_chips", "unpacked_chips", classifier, "params:imagery", "params:adaptation", "drafts"],
                ["region_packed_chips", "region_table"],
                name="read_region",
            ),
            Node(
                adapt_classifier,
                ["region_chips", "region_packed_chips", "region_table", classifier, "params:adaptation"],
                ["adapted_classifier", "region_predictions", "adaptation_scores", "adaptation_summary"],
                name="adapt_classifier",
            ),
            Node(
                package_adapted_classifier,
                [
                    "adapted_classifier", "region_packed_chips", "region_predictions", "adaptation_scores",
                    "adaptation_summary", registration, "model_drafts",
                ],
                "adapted_package",
                name="package_adapted_classifier",
            ),
            Node(
                register_adapted_classifier,
                ["adapted_package", "adaptation_summary", "run_facts"],
                "adapted_registered",
                name="register_adapted_classifier",
                tags=REGISTRY_TAG,
            ),
        ],
        namespace="adaptation",
        prefix_datasets_with_namespace=False,
        tags="adaptation",
    )  # fmt: skip
