"""The part of the report on chip classifiers: its figures, tables and pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from mining_the_mines.reporting import figures
from mining_the_mines.reporting.drawing import to_svg
from mining_the_mines.reporting.formatting import SPLIT_TITLES, category_title, metric_title, model_name, model_title
from mining_the_mines.reporting.galleries import GalleryTile, classification_gallery
from mining_the_mines.reporting.place_map import DECISION_SYMBOLS, SPLIT_SYMBOLS, place_map
from mining_the_mines.reporting.tables import (
    category_tables,
    confusions,
    exclusion_tables,
    model_tables,
    summarise_scores,
)
from mining_the_mines.scoring.bootstrap import UNDEFINED, Interval
from mining_the_mines.scoring.metrics import OVERVIEW_METRICS
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST, intervals_of, select_scores, split_predictions
from mining_the_mines.scoring.thresholds import threshold_curve


@dataclass(frozen=True)
class ClassificationData:
    """Report data of the chip classifiers.

    Attributes:
        chosen_model: Name of the chosen model, as in ``predictions.model``.
        predictions: One row per chip and model: ``filename``, ``label``, ``place``, ``fold``
            (missing for test chips), ``model``, ``probability``; ``category``, ``longitude`` and
            ``latitude`` where known.
        thresholds: Threshold by model.
        score_table: From :func:`mining_the_mines.scoring.tables.score_table`.
        category_table: From :func:`mining_the_mines.scoring.tables.scores_by_category`.
        difference_table: From :func:`mining_the_mines.scoring.tables.difference_table`.
        learning_curves: Long table ``model``, ``fold``, ``epoch``, ``stage`` (train, validation), ``metric``,
            ``value``.
        importances: ``model``, ``feature``, ``importance`` (loss of score when shuffled, mean over folds) and
            ``deviation`` (its standard deviation over folds).
        gallery: Chips to show, in order within each kind.
    """

    chosen_model: str
    predictions: pd.DataFrame
    thresholds: Mapping[str, float]
    score_table: pd.DataFrame
    category_table: pd.DataFrame | None = None
    difference_table: pd.DataFrame | None = None
    learning_curves: pd.DataFrame | None = None
    importances: pd.DataFrame | None = None
    gallery: tuple[GalleryTile, ...] = ()

    @property
    def chosen_predictions(self) -> pd.DataFrame:
        """Predictions of the chosen model."""
        return self.predictions[self.predictions["model"] == self.chosen_model]


def arrange_classification(data: ClassificationData) -> dict[str, Any]:
    """Draw the figures and format the tables of chip classifiers; sentences stand in the template.

    Args:
        data: Missing parts stay empty.

    Returns:
        Values of the template: ``summary`` (see :func:`summarise_classification`); ``threshold`` of the
        chosen model; ``score_tables``, ``category_tables`` and ``exclusion_tables``;
        ``splits``, the figures of each split with the test first; the figures ``threshold_curve``, ``split_map`` and
        ``decision_map``, ``None`` without their data; ``learning`` and ``importances``, figures with their titles;
        ``shelves`` of the gallery, and ``has_attention``, whether it shows attention.
    """
    chosen = data.chosen_model
    return {
        "summary": summarise_classification(data),
        "threshold": data.thresholds[chosen],
        "score_tables": model_tables(data.score_table, chosen),
        "splits": _splits(data),
        "threshold_curve": _threshold_curve(data),
        "category_tables": category_tables(data.category_table, chosen),
        "exclusion_tables": exclusion_tables(data.score_table, chosen),
        "shelves": classification_gallery(data.gallery),
        "has_attention": any(tile.attention is not None for tile in data.gallery),
        **_maps(data),
        "learning": learning_figures(data.learning_curves, "learning"),
        "importances": _importances(data.importances),
    }


def summarise_classification(data: ClassificationData) -> dict[str, Any]:
    """Gather the figures of the chosen classifier, on the test split if there is one, else out of fold.

    Returns:
        Values of the summary: those of :func:`~mining_the_mines.reporting.tables.summarise_scores`; ``subject``, the
        models of the task in a sentence, and ``model``, the chosen one; ``hardest``, the category of chips without a
        mine whose omission lowers ROC AUC most, and ROC AUC without it; ``rival`` and ``difference``, the first other
        model and how far ROC AUC of the chosen one lies above its own, out of fold, where there are more chips;
        ``false_alarms`` and ``worst``, their number, and the category with most of them, with their number and its
        number of chips. ``None`` where unknown.
    """
    summary = summarise_scores(data.score_table, ("recall", "precision", "f1", "roc_auc"), data.chosen_model)
    split = TEST if summary["test"] else OUT_OF_FOLD
    area = summary["scores"].get("roc_auc", UNDEFINED).value
    table = _of(data.score_table, data, split)
    without = table[(table["metric"] == "roc_auc") & table["category_excluded"].notna() & (table["value"] < area)]
    hardest = without.sort_values("value").head(1)
    differences = _of(data.difference_table, data, OUT_OF_FOLD)
    against = differences[differences["metric"] == "roc_auc"].head(1)
    categories = _of(data.category_table, data, split)
    alarms = categories[(categories["label"] == 0) & (categories["wrong"] > 0)]
    worst = alarms.sort_values("wrong", ascending=False).head(1)
    return {
        **summary,
        "subject": "the classifiers",
        "model": model_name(data.chosen_model),
        "hardest": _first(hardest, "category_excluded", "value"),
        "rival": next((model_name(str(rival)) for rival in against["rival"]), None),
        "difference": intervals_of(against).get("roc_auc"),
        "false_alarms": int(alarms["wrong"].sum()),
        "worst": _first(worst, "category", "wrong", "chips"),
    }


def _first(rows: pd.DataFrame, category: str, *columns: str) -> tuple[Any, ...] | None:
    """Title of the category of the first row, and its figures; ``None`` if there is no row."""
    if rows.empty:
        return None
    return category_title(str(rows[category].iloc[0])), *(rows[column].iloc[0] for column in columns)


def _of(table: pd.DataFrame | None, data: ClassificationData, split: str) -> pd.DataFrame:
    """Rows of the chosen model on a split; none of a missing table."""
    if table is None:
        return pd.DataFrame(columns=["metric", "rival", "label", "wrong", "category", *Interval._fields])
    return table[(table["split"] == split) & (table["model"] == data.chosen_model)]


def _splits(data: ClassificationData) -> list[dict[str, Any]]:
    """Draw the figures of each split, the test first.

    Returns:
        For each its ``title``, ``confusions`` of all models, and ``figures``: ``overview`` (scores with intervals),
        ``roc``, ``precision_recall`` and ``calibration`` of all models, where the split has both classes, and
        ``probabilities``, the histogram of the chosen model.
    """
    overview = data.score_table[data.score_table["metric"].isin(OVERVIEW_METRICS)]
    lowest = figures.lowest_score(overview[overview["category_excluded"].isna()])
    predictions = dict(split_predictions(data.predictions))
    found = []
    for split, title in SPLIT_TITLES.items():
        drawn = {}
        scores, rows = select_scores(overview, split), predictions.get(split, data.predictions.iloc[:0])
        if not scores.empty:
            drawn["overview"] = figures.interval_figure(scores, lowest)
        if set(rows["label"]) == {0, 1}:
            drawn["roc"] = figures.roc_figure(rows)
            drawn["precision_recall"] = figures.precision_recall_figure(rows)
            drawn["calibration"] = figures.calibration_figure(rows)
        chosen = rows[rows["model"] == data.chosen_model]
        if not chosen.empty:
            drawn["probabilities"] = figures.probability_figure(chosen, data.thresholds[data.chosen_model])
        svg = {name: to_svg(figure, f"{name}-{split.replace('-', '')}") for name, figure in drawn.items()}
        found.append({"title": title, "confusions": confusions(data.score_table, split), "figures": svg})
    return found


def _threshold_curve(data: ClassificationData) -> Markup | None:
    rows = data.chosen_predictions.dropna(subset="fold")
    if rows["label"].nunique() < 2:
        return None
    curve, threshold = threshold_curve(rows["label"], rows["probability"]), data.thresholds[data.chosen_model]
    return to_svg(figures.threshold_figure(curve, ("f1", "precision", "recall"), threshold), "threshold-curve")


def _maps(data: ClassificationData) -> dict[str, Markup | None]:
    chosen = data.chosen_predictions
    called, mine = chosen["probability"] >= data.thresholds[data.chosen_model], chosen["label"] == 1
    decision = pd.Series("TN", index=chosen.index)
    decision = decision.mask(called & mine, "TP").mask(called & ~mine, "FP").mask(~called & mine, "FN")
    points = chosen.assign(split=chosen["fold"].isna().map({True: "test", False: "train"}), decision=decision)
    kinds = {"split": SPLIT_SYMBOLS, "decision": DECISION_SYMBOLS}
    maps = {kind: place_map(points, kind, symbols) for kind, symbols in kinds.items()}
    return {f"{kind}_map": None if figure is None else to_svg(figure, f"map-{kind}") for kind, figure in maps.items()}


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
    named = curves if "model" in curves else curves.assign(model="")
    several = len(named["model"].unique()) > 1
    drawn = [
        (
            metric_title(str(metric)) + (f", {model_title(str(model))}" if several else ""),
            figures.learning_curve_figure(rows, str(metric)),
        )
        for (model, metric), rows in named.groupby(["model", "metric"], sort=False)
    ]
    return [(title, to_svg(figure, f"{prefix}-{index}")) for index, (title, figure) in enumerate(drawn)]


def _importances(importances: pd.DataFrame | None) -> list[tuple[str, Markup]]:
    if importances is None or importances.empty:
        return []
    return [
        (model_title(str(model)), to_svg(figures.importance_figure(rows), f"importances-{index}"))
        for index, (model, rows) in enumerate(importances.groupby("model", sort=False))
    ]
