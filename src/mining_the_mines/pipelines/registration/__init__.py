"""Models are written down for strangers, compared with the ones in use, and registered."""

from mining_the_mines.pipelines.registration.pipeline import create_pipeline

__all__ = ["create_pipeline"]
