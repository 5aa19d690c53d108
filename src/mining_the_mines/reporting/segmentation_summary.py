"""The answer on outlines in plain sentences: how well they fit, and how many hectares they are off."""

import math

import pandas as pd

from mining_the_mines.reporting.classification_summary import (
    Answer,
    Headline,
    interval_of,
    limits,
    main_split,
    measured_on,
    select_scores,
    unseen,
    with_range,
)
from mining_the_mines.reporting.formatting import (
    count,
    decimal,
    hectares,
    hectares_range,
    metric_title,
    model_name,
    percent,
    percent_range,
    signed_percent,
    signed_percent_range,
)
from mining_the_mines.reporting.report_data import SegmentationData
from mining_the_mines.scoring.bootstrap import Interval
from mining_the_mines.scoring.segmentation_scores import OUTLINES
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST

#: Share of the true area up to which a total counts as about right.
_ABOUT_RIGHT = 0.02


def summarise_segmentation(contents: SegmentationData, interval_level: float) -> Answer:
    """Put the scores of outlines in plain words.

    Args:
        contents: What the report shows of outlines.
        interval_level: Share of intervals that should cover the truth.
    """
    split = main_split(contents.score_table)
    rows = select_scores(contents.score_table, split)
    chips = of_split(contents.chip_table, split)
    sentences = [
        measured_on(rows, split, interval_level),
        _total_area(rows),
        _rims(rows, contents.tolerance),
        _missed(chips),
        _empty(rows, chips),
        _ranking(contents, split),
    ]
    return Answer(
        question="Where are its outlines, and how many hectares?",
        lead=_lead(rows, chips, split),
        sentences=tuple(sentence for sentence in sentences if sentence),
        headlines=_headlines(contents, split),
        caveats=limits(rows, split),
    )


def of_split(chips: pd.DataFrame, split: str) -> pd.DataFrame:
    """Select the chips of a split.

    Args:
        chips: With ``fold``, missing for test chips.
        split: ``test`` or ``out-of-fold``.
    """
    return chips[chips["fold"].isna() == (split == TEST)]


def found_hectares(chips: pd.DataFrame) -> float:
    """Area that is mine and called so; pixels of a chip are equally large, those of several chips need not be."""
    mine = chips["true_positive"] + chips["false_negative"]
    return float((chips["true_hectares"] * chips["true_positive"] / mine.where(mine > 0)).sum())


def has_mine(chips: pd.DataFrame) -> pd.Series:
    """Which chips show a mine, in the pixels that are known."""
    return chips["true_positive"] + chips["false_negative"] > 0


def is_empty(chips: pd.DataFrame) -> pd.Series:
    """Which chips are known to show no mine."""
    return ~has_mine(chips) & (chips["false_positive"] + chips["true_negative"] > 0)


def _lead(rows: pd.DataFrame, chips: pd.DataFrame, split: str) -> str:
    overlap = interval_of(rows, "iou")
    if overlap is None or math.isnan(overlap.value):
        return "There is neither a mine nor an outline to score."
    true, called, found = chips["true_hectares"].sum(), chips["predicted_hectares"].sum(), found_hectares(chips)
    return (
        f"In {unseen(split)}, outlines and true mines overlap by {with_range(overlap)}: of {hectares(true)} of mines, "
        f"{hectares(found)} are outlined; {hectares(called - found)} more are outlined where there is none."
    )


def _total_area(rows: pd.DataFrame) -> str:
    bias, error = interval_of(rows, "area_bias_share"), interval_of(rows, "area_error_hectares")
    total = interval_of(rows, "predicted_hectares")
    if bias is None or error is None or total is None or math.isnan(bias.value):
        return ""
    verdict = "too much" if bias.value > 0 else "too little"
    ends = signed_percent_range(bias)
    by = f"{percent(abs(bias.value))} {verdict}"
    if abs(bias.value) < _ABOUT_RIGHT:
        by = f"about right ({signed_percent(bias.value)})"
    return (
        f"In total it outlines {hectares(total.value)}, {by}{f'; the interval is {ends}' if ends else ''}. "
        f"Chip by chip it is off by {hectares(error.value)} on average, too much and too little not weighed up."
    )


def _rims(rows: pd.DataFrame, tolerance: float) -> str:
    rim = interval_of(rows, "boundary_f1")
    if rim is None or math.isnan(rim.value):
        return ""
    return f"Along {with_range(rim)} of their rims the two are no farther apart than {count_pixels(tolerance)}."


def count_pixels(number: float) -> str:
    """A distance in pixels, within a sentence."""
    return f"{number:g} pixel" + ("" if number == 1 else "s")


def _missed(chips: pd.DataFrame) -> str:
    mines = chips[has_mine(chips)]
    if mines.empty:
        return ""
    missed = mines[mines["true_positive"] == 0]
    if missed.empty:
        return f"None of the {count(len(mines), 'chip')} with a mine is missed altogether."
    verb = "is" if len(missed) == 1 else "are"
    return (
        f"Of {count(len(mines), 'chip')} with a mine, {len(missed)} {verb} missed altogether "
        f"({hectares(float(missed['true_hectares'].sum()))})."
    )


def _empty(rows: pd.DataFrame, chips: pd.DataFrame) -> str:
    kept, empty = interval_of(rows, "empty_kept_empty"), int(is_empty(chips).sum())
    if kept is None or not empty:
        return ""
    return f"{with_range(kept)} of {count(empty, 'chip')} without a mine stay free of outlines."


def _ranking(contents: SegmentationData, split: str) -> str:
    """Compare with classifiers, which answer the simpler question."""
    table = contents.detection_table
    if table is None or table.empty:
        return ""
    ours = interval_of(select_scores(table, split, OUTLINES), "roc_auc")
    if ours is None or math.isnan(ours.value):
        return ""
    sentence = f"Read as a classifier, the map ranks chips with a mine first with a ROC AUC of {decimal(ours.value)}"
    others = []
    for model in dict.fromkeys(table["model"].astype(str)):
        figure = interval_of(select_scores(table, split, model), "roc_auc")
        if model != OUTLINES and figure is not None:
            others.append(f"{model_name(model)} with {decimal(figure.value)}")
    return f"{sentence}; {', '.join(others)}." if others else f"{sentence}."


def _headlines(contents: SegmentationData, split: str) -> tuple[Headline, ...]:
    rows = select_scores(contents.score_table, split)
    others = select_scores(contents.score_table, OUT_OF_FOLD) if split == TEST else rows.iloc[:0]
    titles = (
        ("iou", "overlap of outlined and true mines"),
        ("recall", "of the mines' area is outlined"),
        ("precision", "of the outlined area is mine"),
        ("area_bias_hectares", "outlined too much or too little"),
    )
    headlines = []
    for metric, title in titles:
        figure, other = interval_of(rows, metric), interval_of(others, metric)
        if figure is None:
            continue
        beside = "" if other is None else "{} ({})".format(*_figure(metric, other)).removesuffix(" ()")
        headlines.append(Headline(title, metric_title(metric), *_figure(metric, figure), beside))
    return tuple(headlines)


def _figure(metric: str, interval: Interval) -> tuple[str, str]:
    """A headline's figure and the ends of its interval."""
    if metric.endswith("_hectares"):
        return hectares(interval.value, signed=True), hectares_range(interval, signed=True)
    return percent(interval.value), percent_range(interval)
