"""Chips become folds, packed arrays and masks."""

from mining_the_mines.pipelines.preprocessing.pipeline import create_pipeline

__all__ = ["create_pipeline"]
