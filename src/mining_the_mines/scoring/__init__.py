"""Metrics, thresholds, intervals and calibration of predictions."""

from mining_the_mines.scoring.bootstrap import (
    BootstrapSettings,
    Interval,
    bootstrap_intervals,
    paired_difference,
)
from mining_the_mines.scoring.metrics import (
    CONFUSION,
    METRICS,
    WeightedScores,
    score,
    weighted_scores,
)
from mining_the_mines.scoring.tables import (
    choose_model,
    difference_table,
    score_table,
    scores_by_category,
)
from mining_the_mines.scoring.thresholds import (
    ThresholdSettings,
    choose_threshold,
    choose_thresholds,
)

__all__ = [
    "CONFUSION",
    "METRICS",
    "BootstrapSettings",
    "Interval",
    "ThresholdSettings",
    "WeightedScores",
    "bootstrap_intervals",
    "choose_model",
    "choose_threshold",
    "choose_thresholds",
    "difference_table",
    "paired_difference",
    "score",
    "score_table",
    "scores_by_category",
    "weighted_scores",
]
