"""Scenes become composites, and composites chips."""

from mining_the_mines.pipelines.compositing.pipeline import create_pipeline

__all__ = ["create_pipeline"]
