"""Inference on unlabelled chips: probabilities and decisions, masks and polygons."""

from mining_the_mines.pipelines.inference.pipeline import create_pipeline

__all__ = ["create_pipeline"]
