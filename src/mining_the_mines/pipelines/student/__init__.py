"""A student learns from the segmenter, is scored like it, and is registered."""

from mining_the_mines.pipelines.student.pipeline import create_pipeline

__all__ = ["create_pipeline"]
