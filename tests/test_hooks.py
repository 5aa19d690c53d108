"""What tracking makes of scores."""

import pandas as pd

from mining_the_mines.hooks import score_metrics


def row(**changes: object) -> dict[str, object]:
    return {
        "split": "test",
        "model": "blend",
        "category_excluded": pd.NA,
        "metric": "roc_auc",
        "value": 0.9,
        "low": 0.8,
        "high": 0.95,
    } | changes


def test_a_score_becomes_a_metric_with_its_interval() -> None:
    assert score_metrics(pd.DataFrame([row()])) == {
        "test/blend/roc_auc": 0.9,
        "test/blend/roc_auc/low": 0.8,
        "test/blend/roc_auc/high": 0.95,
    }


def test_scores_without_a_category_and_without_interval_are_told_apart() -> None:
    table = pd.DataFrame([row(category_excluded="forest", low=float("nan"), high=float("nan"))])
    assert score_metrics(table) == {"test/blend/roc_auc/without_forest": 0.9}
