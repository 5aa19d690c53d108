"""Everything that a reader needs goes on one page."""

from mining_the_mines.pipelines.reporting.pipeline import create_pipeline

__all__ = ["create_pipeline"]
