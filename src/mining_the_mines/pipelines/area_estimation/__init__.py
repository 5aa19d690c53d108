"""Areas and accuracies from a sample and its answers."""

from mining_the_mines.pipelines.area_estimation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
