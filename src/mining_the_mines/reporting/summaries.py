"""Figures of the summaries of classification and segmentation; their sentences stand in the templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import pandas as pd

from mining_the_mines.reporting.formatting import (
    category_title,
    figure_texts,
    metric_title,
    model_name,
    percent,
    span,
)
from mining_the_mines.reporting.report_data import ClassificationData, SegmentationData
from mining_the_mines.scoring.bootstrap import UNDEFINED, Interval
from mining_the_mines.scoring.segmentation_scores import SEGMENTER
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST, interval_of, select_scores

#: With fewer places than this, resampled intervals come out too narrow (Cameron, Gelbach and
#: Miller 2008 find so below about thirty clusters).
FEW_PLACES: Final = 30
_PERCENT_HEADLINES: Final = frozenset({"recall", "precision", "iou"})


class Headline(NamedTuple):
    """A large figure at the top of the page.

    Attributes:
        metric: Name of the metric.
        title: Its title.
        value: Formatted value.
        interval: Ends of the interval; empty if it has none.
        out_of_fold: The figure out of fold with its interval, if the value is of the test split.
    """

    metric: str
    title: str
    value: str
    interval: str
    out_of_fold: str


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


def main_split(table: pd.DataFrame) -> str:
    """Choose the split of the summary: the test if there is one, else out of fold."""
    return TEST if (table["split"] == TEST).any() else OUT_OF_FOLD


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


@dataclass(frozen=True)
class SegmentationSummary:
    """Figures of the segmenter, on the test split if there is one, else out of fold.

    Attributes:
        test: Whether they are of the test split.
        chips: Number of chips scored.
        places: Number of places that they lie in.
        scores: Its scores by metric.
        true_hectares: Area of true mines.
        found_hectares: Area of true mines that is predicted.
        false_hectares: Area that is predicted and no mine.
        tolerance: Pixels up to which two rims agree.
        mines: Number of chips with a mine.
        missed: Number of those without a single predicted pixel of it.
        missed_hectares: Area of their mines.
        empty: Number of chips without a mine.
        roc_auc: Of the segmenter as a classifier of chips, if it was compared.
        others: Names and ROC AUC of the classifiers that it was compared with.
        headlines: Large figures.
    """

    test: bool
    chips: int
    places: int
    scores: dict[str, Interval]
    true_hectares: float
    found_hectares: float
    false_hectares: float
    tolerance: float
    mines: int
    missed: int
    missed_hectares: float
    empty: int
    roc_auc: float | None
    others: tuple[tuple[str, float], ...]
    headlines: tuple[Headline, ...]


def summarise_segmentation(data: SegmentationData) -> SegmentationSummary:
    """Gather the figures of the segmenter."""
    split = main_split(data.score_table)
    rows = select_scores(data.score_table, split)
    chips = of_split(data.chip_table, split)
    found = found_hectares(chips)
    missed = chips[has_mine(chips) & (chips["true_positive"] == 0)]
    roc_auc, others = _as_classifier(data.chip_score_table, split)
    metrics = ("iou", "recall", "precision", "area_bias_hectares")
    out_of_fold = select_scores(data.score_table, OUT_OF_FOLD) if split == TEST else None
    return SegmentationSummary(
        test=split == TEST,
        chips=_first(rows, "chips"),
        places=_first(rows, "places"),
        scores=_scores(rows),
        true_hectares=float(chips["true_hectares"].sum()),
        found_hectares=found,
        false_hectares=float(chips["predicted_hectares"].sum()) - found,
        tolerance=data.tolerance,
        mines=int(has_mine(chips).sum()),
        missed=len(missed),
        missed_hectares=float(missed["true_hectares"].sum()),
        empty=int(is_empty(chips).sum()),
        roc_auc=roc_auc,
        others=others,
        headlines=_headlines(metrics, rows, out_of_fold),
    )


def of_split(chips: pd.DataFrame, split: str) -> pd.DataFrame:
    """Select the chips of a split by ``fold``, which is missing for test chips."""
    return chips[chips["fold"].isna() == (split == TEST)]


def found_hectares(chips: pd.DataFrame) -> float:
    """Sum the predicted area of true mines; chips may have pixels of different sizes."""
    mine = chips["true_positive"] + chips["false_negative"]
    return float((chips["true_hectares"] * chips["true_positive"] / mine.where(mine > 0)).sum())


def has_mine(chips: pd.DataFrame) -> pd.Series:
    """Mark chips with a mine in their known pixels."""
    return chips["true_positive"] + chips["false_negative"] > 0


def is_empty(chips: pd.DataFrame) -> pd.Series:
    """Mark chips without a mine in their known pixels, of which there is at least one."""
    return ~has_mine(chips) & (chips["false_positive"] + chips["true_negative"] > 0)


def _as_classifier(table: pd.DataFrame | None, split: str) -> tuple[float | None, tuple[tuple[str, float], ...]]:
    if table is None or table.empty:
        return None, ()
    areas = {
        str(model): interval_of(select_scores(table, split, str(model)), "roc_auc") for model in table["model"].unique()
    }
    own = areas.pop(SEGMENTER, None)
    if own is None or own.value != own.value:
        return None, ()
    return own.value, tuple((model_name(model), area.value) for model, area in areas.items() if area is not None)


def _scores(rows: pd.DataFrame) -> dict[str, Interval]:
    """Defined scores by metric."""
    found = {str(metric): interval_of(rows, str(metric)) for metric in rows["metric"]}
    return {metric: score for metric, score in found.items() if score is not None and score.value == score.value}


def _first(rows: pd.DataFrame, column: str) -> int:
    return int(rows[column].iloc[0]) if len(rows) else 0


def _headlines(metrics: Sequence[str], rows: pd.DataFrame, out_of_fold: pd.DataFrame | None) -> tuple[Headline, ...]:
    headlines = []
    for metric in metrics:
        figure = interval_of(rows, metric)
        other = None if out_of_fold is None else interval_of(out_of_fold, metric)
        if figure is not None:
            beside = "" if other is None else "{} ({})".format(*_texts(metric, other)).removesuffix(" ()")
            headlines.append(Headline(metric, metric_title(metric), *_texts(metric, figure), beside))
    return tuple(headlines)


def _texts(metric: str, interval: Interval) -> tuple[str, str]:
    if metric in _PERCENT_HEADLINES:
        return percent(interval.value), span(interval, percent)
    return figure_texts(metric, interval)
