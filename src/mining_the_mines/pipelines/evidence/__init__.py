"""Evidence sheets of all sites of a series."""

from mining_the_mines.pipelines.evidence.pipeline import create_pipeline

__all__ = ["create_pipeline"]
