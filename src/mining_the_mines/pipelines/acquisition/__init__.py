"""Scenes of a STAC archive, or of a simulated one, are chosen, and their files looked for or fetched."""

from mining_the_mines.pipelines.acquisition.pipeline import create_pipeline

__all__ = ["create_pipeline"]
