"""The part of the report on chip classifiers: its figures, tables and pictures."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from mining_the_mines.reporting import figures
from mining_the_mines.reporting.drawing import to_svg
from mining_the_mines.reporting.formatting import SPLIT_TITLES, metric_title, model_title
from mining_the_mines.reporting.galleries import Shelf, classification_gallery
from mining_the_mines.reporting.place_map import DECISION_SYMBOLS, SPLIT_SYMBOLS, place_map
from mining_the_mines.reporting.report_data import ClassificationData
from mining_the_mines.reporting.summaries import ClassificationSummary, summarise_classification
from mining_the_mines.reporting.tables import (
    Confusion,
    Table,
    category_tables,
    confusions,
    exclusion_tables,
    model_tables,
)
from mining_the_mines.scoring.curves import threshold_curve
from mining_the_mines.scoring.metrics import OVERVIEW_METRICS
from mining_the_mines.scoring.tables import OUT_OF_FOLD, select_scores, split_predictions


@dataclass(frozen=True)
class SplitFigures:
    """Figures of a split.

    Attributes:
        title: Of the split.
        confusions: Confusion counts of each model.
        figures: SVG by name: ``overview`` (scores with intervals), ``roc``, ``precision_recall`` and ``calibration`` of
            all models (missing where the split has one class only), and ``probabilities`` (histogram of the chosen
            model).
    """

    title: str
    confusions: list[Confusion]
    figures: Mapping[str, Markup]


@dataclass(frozen=True)
class ClassificationPart:
    """All that the page shows of chip classifiers; sentences stand in the template.

    Attributes:
        summary: Figures of the summary.
        model: Title of the chosen model.
        threshold: Its threshold.
        score_tables: Scores of all models, by split.
        splits: Figures by split, the test first.
        threshold_curve: Scores by threshold, if there are out-of-fold predictions of both classes.
        category_tables: Right decisions by category.
        exclusion_tables: Ranking without a category.
        shelves: The gallery.
        has_attention: Whether the gallery shows attention.
        split_map: Map of training and test chips.
        decision_map: Map of right and wrong decisions.
        learning: Title and learning curves of each metric and network.
        importances: Title of each model on the feature table and the permutation importance of its features.
    """

    summary: ClassificationSummary
    model: str
    threshold: float
    score_tables: list[Table]
    splits: list[SplitFigures]
    threshold_curve: Markup | None
    category_tables: list[Table]
    exclusion_tables: list[Table]
    shelves: tuple[Shelf, ...]
    has_attention: bool
    split_map: Markup | None
    decision_map: Markup | None
    learning: list[tuple[str, Markup]]
    importances: list[tuple[str, Markup]]


def arrange_classification(data: ClassificationData) -> ClassificationPart:
    """Draw the figures and format the tables of chip classifiers.

    Args:
        data: Missing parts stay empty.
    """
    chosen = data.chosen_model
    split_map, decision_map = _maps(data)
    return ClassificationPart(
        summary=summarise_classification(data),
        model=model_title(chosen),
        threshold=data.thresholds[chosen],
        score_tables=model_tables(data.score_table, chosen),
        splits=_splits(data),
        threshold_curve=_threshold_curve(data),
        category_tables=category_tables(data.category_table, chosen),
        exclusion_tables=exclusion_tables(data.score_table, chosen),
        shelves=classification_gallery(data.gallery),
        has_attention=any(tile.attention is not None for tile in data.gallery),
        split_map=split_map,
        decision_map=decision_map,
        learning=learning_figures(data.learning_curves, "learning"),
        importances=_importances(data.importances),
    )


def _splits(data: ClassificationData) -> list[SplitFigures]:
    overview = {split: _overview_scores(data.score_table, split) for split in SPLIT_TITLES}
    lowest = figures.lowest_score(pd.concat(overview.values()))
    predictions = dict(split_predictions(data.predictions))
    found = []
    for split, title in SPLIT_TITLES.items():
        drawn: dict[str, Figure] = {}
        rows = predictions.get(split, data.predictions.iloc[:0])
        if not overview[split].empty:
            drawn["overview"] = figures.interval_figure(overview[split], lowest)
        if set(rows["label"]) == {0, 1}:
            drawn["roc"] = figures.roc_figure(rows)
            drawn["precision_recall"] = figures.precision_recall_figure(rows)
            drawn["calibration"] = figures.calibration_figure(rows)
        chosen = rows[rows["model"] == data.chosen_model]
        if not chosen.empty:
            drawn["probabilities"] = figures.probability_figure(chosen, data.thresholds[data.chosen_model])
        svg = {name: to_svg(figure, f"{name}-{split.replace('-', '')}") for name, figure in drawn.items()}
        found.append(SplitFigures(title, confusions(data.score_table, split), svg))
    return found


def _overview_scores(table: pd.DataFrame, split: str) -> pd.DataFrame:
    rows = select_scores(table, split)
    return rows[rows["metric"].isin(OVERVIEW_METRICS)]


def _threshold_curve(data: ClassificationData) -> Markup | None:
    rows = dict(split_predictions(data.predictions[data.predictions["model"] == data.chosen_model])).get(OUT_OF_FOLD)
    if rows is None or rows["label"].nunique() < 2:
        return None
    curve = threshold_curve(rows["label"], rows["probability"])
    threshold = data.thresholds[data.chosen_model]
    return to_svg(figures.threshold_figure(curve, ("f1", "precision", "recall"), threshold), "threshold-curve")


def _maps(data: ClassificationData) -> tuple[Markup | None, Markup | None]:
    chosen = data.predictions[data.predictions["model"] == data.chosen_model]
    called = chosen["probability"] >= data.thresholds[data.chosen_model]
    mine = chosen["label"] == 1
    decision = pd.Series("TN", index=chosen.index)
    decision = decision.mask(called & mine, "TP").mask(called & ~mine, "FP").mask(~called & mine, "FN")
    points = chosen.assign(split=chosen["fold"].isna().map({True: "test", False: "train"}), decision=decision)
    splits, decisions = place_map(points, "split", SPLIT_SYMBOLS), place_map(points, "decision", DECISION_SYMBOLS)
    if splits is None or decisions is None:
        return None, None
    return to_svg(splits, "map-split"), to_svg(decisions, "map-decision")


def learning_figures(curves: pd.DataFrame | None, prefix: str) -> list[tuple[str, Markup]]:
    """Draw the learning curves of each metric, those of several models apart.

    Args:
        curves: Long table ``fold``, ``epoch``, ``stage``, ``metric``, ``value`` and, where several models can be
            trained, ``model``; if there is one.
        prefix: Prefix of the names of the figures on the page.

    Returns:
        Title of the metric, with the model's if there are several, and its figure as SVG.
    """
    if curves is None or curves.empty:
        return []
    models = list(dict.fromkeys(curves["model"].astype(str))) if "model" in curves else []
    if len(models) > 1:
        parts = [(f", {model_title(model)}", curves[curves["model"] == model]) for model in models]
    else:
        parts = [("", curves)]
    drawn = [
        (metric_title(metric) + whose, figures.learning_curve_figure(rows, metric))
        for whose, rows in parts
        for metric in dict.fromkeys(rows["metric"].astype(str))
    ]
    return [(title, to_svg(figure, f"{prefix}-{index}")) for index, (title, figure) in enumerate(drawn)]


def _importances(importances: pd.DataFrame | None) -> list[tuple[str, Markup]]:
    if importances is None or importances.empty:
        return []
    return [
        (model_title(str(model)), to_svg(figures.importance_figure(rows), f"importances-{index}"))
        for index, (model, rows) in enumerate(importances.groupby("model", sort=False))
    ]
