"""Trees, network and blend are fitted fold by fold."""

from mining_the_mines.pipelines.training.pipeline import create_pipeline

__all__ = ["create_pipeline"]
