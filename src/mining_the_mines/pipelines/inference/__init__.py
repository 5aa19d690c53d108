"""Unlabelled chips get a probability and a decision, and their mines outlines."""

from mining_the_mines.pipelines.inference.pipeline import create_pipeline

__all__ = ["create_pipeline"]
