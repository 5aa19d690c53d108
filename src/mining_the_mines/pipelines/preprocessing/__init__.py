"""Chips are read, judged, split and packed."""

from mining_the_mines.pipelines.preprocessing.pipeline import create_compositing, create_pipeline

__all__ = ["create_compositing", "create_pipeline"]
