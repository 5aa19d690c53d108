"""Mines through time: a map of each period, sites with their history, and what is new."""

from mining_the_mines.pipelines.monitoring.pipeline import create_pipeline

__all__ = ["create_pipeline"]
