"""An encoder learns on simulated ground; classifiers and segmenters start from it."""

from mining_the_mines.pipelines.pretraining.pipeline import create_pipeline

__all__ = ["create_pipeline"]
