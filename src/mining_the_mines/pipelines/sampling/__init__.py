"""A probability sample of maps."""

from mining_the_mines.pipelines.sampling.pipeline import create_period_pipeline, create_pipeline

__all__ = ["create_period_pipeline", "create_pipeline"]
