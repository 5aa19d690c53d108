"""Scenes of any size become maps: probabilities, polygons, pictures, and how good they are."""

from mining_the_mines.pipelines.mapping.pipeline import create_coarse_pipeline, create_pipeline

__all__ = ["create_coarse_pipeline", "create_pipeline"]
