"""Packed chips become a table of features."""

from mining_the_mines.pipelines.feature_extraction.pipeline import create_pipeline

__all__ = ["create_pipeline"]
