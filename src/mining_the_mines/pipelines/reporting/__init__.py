"""Everything that came out becomes one HTML page."""

from mining_the_mines.pipelines.reporting.pipeline import (
    create_classification_report,
    create_pipeline,
    create_segmentation_report,
)

__all__ = ["create_classification_report", "create_pipeline", "create_segmentation_report"]
