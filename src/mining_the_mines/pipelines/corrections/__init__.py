"""Answers of reviewers become labels and corrected polygons."""

from mining_the_mines.pipelines.corrections.pipeline import create_pipeline

__all__ = ["create_pipeline"]
