"""Scores and curves as Plotly figures."""

import json

import pandas as pd
import plotly.graph_objects as go  # type: ignore[import-untyped]
import pytest

from mining_the_mines.reporting.charts import draw_curves, draw_scores


def score_table() -> pd.DataFrame:
    """Two models on two splits, once more without a category, and a score without an interval."""
    rows = [
        (split, model, excluded, metric, 0.8, low, high)
        for split in ("out-of-fold", "test")
        for model in ("baseline", "network")
        for excluded in (None, "quarry")
        for metric, low, high in (("f1", 0.7, 0.9), ("roc_auc", 0.75, 0.95), ("tp", float("nan"), float("nan")))
    ]
    columns = ["split", "model", "category_excluded", "metric", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def test_each_model_and_split_is_a_series_named_in_words() -> None:
    names = [series["name"] for series in draw_scores(score_table(), ["roc_auc", "f1"])["data"]]
    assert names == [
        "Out of fold, Baseline",
        "Out of fold, Network",
        "On the test chips, Baseline",
        "On the test chips, Network",
    ]


def test_scores_stand_in_the_order_in_which_they_are_asked_for_and_no_others() -> None:
    (first, *_) = draw_scores(score_table(), ["roc_auc", "f1"])["data"]
    assert first["x"] == ["ROC AUC", "F1"]


def test_intervals_reach_from_their_lower_to_their_upper_end() -> None:
    (first, *_) = draw_scores(score_table(), ["roc_auc", "f1"])["data"]
    assert first["error_y"]["array"] == pytest.approx([0.15, 0.1])
    assert first["error_y"]["arrayminus"] == pytest.approx([0.05, 0.1])


def test_a_score_without_an_interval_is_drawn_without_one() -> None:
    (first, *_) = draw_scores(score_table(), ["tp"])["data"]
    assert first["error_y"]["array"] == [0]


def test_scores_can_run_along_categories() -> None:
    table = score_table().assign(category="open_pit")
    assert draw_scores(table, ["f1"], along="category")["data"][0]["x"] == ["open pit"]


def test_differences_name_both_models_and_are_called_differences() -> None:
    figure = draw_scores(score_table().assign(rival="blend"), ["f1"])
    assert figure["data"][0]["name"] == "Out of fold, Baseline, against Blend"
    assert figure["layout"]["title"]["text"] == "Differences of scores (model − rival), with intervals"
    assert figure["layout"]["yaxis"]["title"]["text"] == "Difference"


def test_scores_are_called_scores() -> None:
    layout = draw_scores(score_table(), ["f1"])["layout"]
    assert (layout["title"]["text"], layout["yaxis"]["title"]["text"]) == ("Scores with intervals", "Score")


def test_the_title_names_all_scores_that_run_along_categories_and_no_others() -> None:
    table = score_table().assign(category="open_pit")
    title = draw_scores(table, ["f1", "roc_auc", "recall"], along="category")["layout"]["title"]["text"]
    assert title == "F1 and ROC AUC, with intervals"


def test_scores_of_single_scenes_are_left_to_the_table() -> None:
    assert draw_scores(score_table().assign(scene="tapajos"), ["f1"])["data"] == []


def test_curves_are_means_over_folds() -> None:
    table = pd.DataFrame({"epoch": [0, 0, 1, 1], "fold": [0, 1, 0, 1], "training_loss": [1.0, 3.0, 0.5, 1.5]})
    figure = draw_curves(table, ["training_loss", "validation_loss"], "epoch")
    (line,) = figure["data"]
    assert (line["x"], line["y"]) == ([0, 1], [2.0, 1.0])
    assert figure["layout"]["title"]["text"] == "Mean of the folds"


def test_figures_are_what_plotly_understands_and_json_can_hold() -> None:
    for figure in (
        draw_scores(score_table(), ["f1", "roc_auc", "tp"]),
        draw_curves(pd.DataFrame({"threshold": [0.1], "iou": [0.5]}), ["iou"], "threshold"),
    ):
        go.Figure(figure)
        json.dumps(figure, allow_nan=False)
