"""Mapping of whole scenes: probabilities, polygons, pictures and scores."""

from mining_the_mines.pipelines.mapping.pipeline import create_coarse_pipeline, create_pipeline

__all__ = ["create_coarse_pipeline", "create_pipeline"]
