"""The part of the report on chip classifiers: its figures, tables and pictures."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from mining_the_mines.reporting import figures
from mining_the_mines.reporting.drawing import to_svg
from mining_the_mines.reporting.formatting import SPLIT_TITLES, category_title, metric_title, model_name, model_title
from mining_the_mines.reporting.galleries import GalleryTile, Shelf, classification_gallery
from mining_the_mines.reporting.place_map import DECISION_SYMBOLS, SPLIT_SYMBOLS, place_map
from mining_the_mines.reporting.tables import (
    Confusion,
    Headline,
    Table,
    _first,
    _headlines,
    _scores,
    category_tables,
    confusions,
    exclusion_tables,
    main_split,
    model_tables,
)
from mining_the_mines.scoring.bootstrap import UNDEFINED, Interval
from mining_the_mines.scoring.curves import threshold_curve
from mining_the_mines.scoring.metrics import OVERVIEW_METRICS
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST, interval_of, select_scores, split_predictions


@dataclass(frozen=True)
class ClassificationData:
    """Report data of the chip classifiers.

    Attributes:
        chosen_model: Name of the chosen model, as in ``predictions.model``.
        predictions: One row a chip and model: ``filename``, ``label``, ``place``, ``fold``
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
class ClassificationSummary:
    """Figures of the chosen classifier, on the test split if there is one, else out of fold.

    Attributes:
        test: Whether they are of the test split.
        chips: Number of chips scored.
        places: Number of places that they lie in.
        model: Name of the model in a sentence.
        scores: Its scores by metric.
        hardest: The category of chips without a mine whose omission lowers ROC AUC most, and ROC AUC without it.
        rival: Name of the first other model that is compared, in a sentence.
        difference: Its ROC AUC out of fold, chosen model minus rival.
        false_alarms: Number of false alarms.
        worst: The category with most of them, their number, and its number of chips.
        headlines: Large figures.
    """

    test: bool
    chips: int
    places: int
    model: str
    scores: dict[str, Interval]
    hardest: tuple[str, float] | None
    rival: str
    difference: Interval | None
    false_alarms: int
    worst: tuple[str, int, int] | None
    headlines: tuple[Headline, ...]


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


def summarise_classification(data: ClassificationData) -> ClassificationSummary:
    """Gather the figures of the chosen classifier."""
    split = main_split(data.score_table)
    rows = select_scores(data.score_table, split, data.chosen_model)
    out_of_fold = select_scores(data.score_table, OUT_OF_FOLD, data.chosen_model)
    rival, difference = _rival(data)
    alarms, worst = _false_alarms(data, split)
    metrics = ("recall", "precision", "f1", "roc_auc")
    return ClassificationSummary(
        test=split == TEST,
        chips=_first(rows, "chips"),
        places=_first(rows, "places"),
        model=model_name(data.chosen_model),
        scores=_scores(rows),
        hardest=_hardest(data, split, interval_of(rows, "roc_auc") or UNDEFINED),
        rival=rival,
        difference=difference,
        false_alarms=alarms,
        worst=worst,
        headlines=_headlines(metrics, rows, out_of_fold if split == TEST else None),
    )


def _hardest(data: ClassificationData, split: str, area: Interval) -> tuple[str, float] | None:
    table = data.score_table
    without = table[
        (table["split"] == split)
        & (table["model"] == data.chosen_model)
        & (table["metric"] == "roc_auc")
        & table["category_excluded"].notna()
        & (table["value"] < area.value)
    ]
    if without.empty:
        return None
    first = without.sort_values("value").iloc[0]
    return category_title(str(first["category_excluded"])), float(first["value"])


def _rival(data: ClassificationData) -> tuple[str, Interval | None]:
    """Compare with the first model of the table, out of fold, where there are more chips."""
    table = data.difference_table
    if table is None:
        return "", None
    rows = table[
        (table["split"] == OUT_OF_FOLD) & (table["metric"] == "roc_auc") & (table["model"] == data.chosen_model)
    ]
    if rows.empty:
        return "", None
    return model_name(str(rows["rival"].iloc[0])), Interval(*(float(rows[end].iloc[0]) for end in Interval._fields))


def _false_alarms(data: ClassificationData, split: str) -> tuple[int, tuple[str, int, int] | None]:
    table = data.category_table
    if table is None or table.empty:
        return 0, None
    rows = table[(table["split"] == split) & (table["model"] == data.chosen_model)]
    alarms = rows[(rows["label"] == 0) & (rows["wrong"] > 0)]
    if alarms.empty:
        return 0, None
    worst = alarms.sort_values("wrong", ascending=False).iloc[0]
    return int(alarms["wrong"].sum()), (
        category_title(str(worst["category"])),
        int(worst["wrong"]),
        int(worst["chips"]),
    )
