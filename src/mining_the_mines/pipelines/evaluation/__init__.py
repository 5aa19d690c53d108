"""All models are scored side by side, and one is chosen."""

from mining_the_mines.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
