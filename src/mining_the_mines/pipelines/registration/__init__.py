"""Models are packaged, compared with the champions, and registered."""

from mining_the_mines.pipelines.registration.pipeline import create_pipeline

__all__ = ["create_pipeline"]
