"""A classifier is adapted to a new region, from a few labels or from none."""

from mining_the_mines.pipelines.adaptation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
