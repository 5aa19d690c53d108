"""Sites, maps and their composites → evidence sheets."""

from typing import Final

from kedro.pipeline import Node, Pipeline

from mining_the_mines.pipelines.evidence.nodes import write_sheets

#: Datasets that sheets are made from, as ``kedro evidence`` loads them, too.
SOURCES: Final = (
    "monitored_sites", "monitored_maps", "monitored_concessions", "monitored_protected_areas", "model_folder",
    "review_answers", "area_estimates",
)  # fmt: skip


def create_pipeline() -> Pipeline:
    """Evidence sheets of all sites."""
    return Pipeline(
        [Node(write_sheets, [*SOURCES, "evidence_folder"], "evidence_sheets", name="write_evidence_sheets")],
        namespace="evidence",
        prefix_datasets_with_namespace=False,
        tags="evidence",
    )
