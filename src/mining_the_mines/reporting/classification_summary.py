"""The answer of chip classifiers in plain sentences: what can be found, and how sure that is."""

from dataclasses import dataclass

import pandas as pd

from mining_the_mines.reporting.formatting import (
    category_title,
    count,
    decimal,
    decimal_range,
    metric_title,
    model_name,
    percent,
    percent_range,
)
from mining_the_mines.reporting.report_data import ClassificationData
from mining_the_mines.scoring.bootstrap import Interval
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST

#: With fewer places than this, resampled intervals come out too narrow (Cameron, Gelbach and
#: Miller 2008 find so below about thirty clusters).
FEW_PLACES = 30
#: Mean distance of promise and outcome below which probabilities may be read as they stand.
_WELL_CALIBRATED = 0.05


@dataclass(frozen=True)
class Headline:
    """One of the large figures at the top.

    Attributes:
        title: What it is, in plain words.
        name: The metric's own name.
        value: Written out.
        interval: Written out; empty if there is none.
        out_of_fold: The same figure out of fold with its interval, if the value is of the test.
    """

    title: str
    name: str
    value: str
    interval: str
    out_of_fold: str


@dataclass(frozen=True)
class Answer:
    """What stands first in a report.

    Attributes:
        question: What is answered.
        lead: The one sentence to remember.
        sentences: What one must know to believe it.
        headlines: The figures.
        caveats: What limits it.
    """

    question: str
    lead: str
    sentences: tuple[str, ...]
    headlines: tuple[Headline, ...]
    caveats: tuple[str, ...]


def select_scores(
    table: pd.DataFrame, split: str, model: str | None = None, *, excluded: str | None = None
) -> pd.DataFrame:
    """Select rows of a score table.

    Args:
        table: From :func:`mining_the_mines.scoring.score_table`.
        split: ``test`` or ``out-of-fold``.
        model: One model, or all.
        excluded: The category that was left out; none by default.
    """
    rows = table[table["split"] == split]
    left_out = rows["category_excluded"]
    rows = rows[left_out.isna() if excluded is None else (left_out == excluded).fillna(False)]
    return rows if model is None else rows[rows["model"] == model]


def interval_of(rows: pd.DataFrame, metric: str) -> Interval | None:
    """Find a metric among rows of one split and model."""
    found = rows[rows["metric"] == metric]
    if found.empty:
        return None
    value, low, high = (float(found[name].iloc[0]) for name in ("value", "low", "high"))
    return Interval(value, low, high)


def main_split(table: pd.DataFrame) -> str:
    """The split that a score table is read for: the test if there is one, else out of fold."""
    return TEST if (table["split"] == TEST).any() else OUT_OF_FOLD


def answer(contents: ClassificationData, interval_level: float) -> Answer:
    """Put the chosen model's figures in plain words.

    Args:
        contents: What the report shows of chip classifiers.
        interval_level: Share of intervals that should cover the truth.
    """
    split = main_split(contents.score_table)
    rows = select_scores(contents.score_table, split, contents.chosen_model)
    sentences = [
        measured_on(rows, split, interval_level),
        _ranking(contents, split),
        _comparison(contents),
        _calibration(rows),
        _mistakes(contents, split),
    ]
    return Answer(
        question="Is there a mine in a chip?",
        lead=_lead(contents, rows, split),
        sentences=tuple(sentence for sentence in sentences if sentence),
        headlines=_headlines(contents, split),
        caveats=limits(rows, split),
    )


def with_range(interval: Interval) -> str:
    """A share with its interval, within a sentence."""
    ends = percent_range(interval)
    return f"{percent(interval.value)} ({ends})" if ends else percent(interval.value)


def _lead(contents: ClassificationData, rows: pd.DataFrame, split: str) -> str:
    recall, precision = interval_of(rows, "recall"), interval_of(rows, "precision")
    model = model_name(contents.chosen_model)
    if recall is None or precision is None:
        return f"There are no scores of {model}."
    return (
        f"In {unseen(split)}, {model} finds {with_range(recall)} of the chips with a mine, "
        f"and {with_range(precision)} of its alarms are right."
    )


def unseen(split: str) -> str:
    """What the places of a split are to the model."""
    return "places it has never seen" if split == TEST else "places kept out of its training"


def measured_on(rows: pd.DataFrame, split: str, level: float) -> str:
    """Say what the figures were measured on.

    Args:
        rows: Of a score table, with ``chips`` and ``places``.
        split: ``test`` or ``out-of-fold``.
        level: Share of intervals that should cover the truth.
    """
    if rows.empty:
        return ""
    chips, places = int(rows["chips"].iloc[0]), int(rows["places"].iloc[0])
    apart = (
        "that had no part in training, in the choice of the model or of the threshold"
        if split == TEST
        else "which were predicted by models that were trained on other places"
    )
    return (
        f"Measured on {count(chips, 'chip')} from {count(places, 'place')} {apart}. "
        f"In brackets: {percent(level)} intervals, from resampling whole places."
    )


def _ranking(contents: ClassificationData, split: str) -> str:
    rows = select_scores(contents.score_table, split, contents.chosen_model)
    area = interval_of(rows, "roc_auc")
    if area is None or area.value != area.value:
        return ""
    sentence = (
        f"Shown one chip with a mine and one without, it rates the mine higher "
        f"{with_range(area)} of the time (ROC AUC {decimal(area.value)})"
    )
    table = contents.score_table
    without = table[
        (table["split"] == split)
        & (table["model"] == contents.chosen_model)
        & (table["metric"] == "roc_auc")
        & table["category_excluded"].notna()
    ].dropna(subset=["value"])
    without = without[without["value"] < area.value].sort_values("value")
    if without.empty:
        return sentence + "."
    hardest = without.iloc[0]
    return (
        f"{sentence}; with the easiest look-alikes, {category_title(str(hardest['category_excluded']))}, left out, "
        f"{percent(float(hardest['value']))} of the time."
    )


def _comparison(contents: ClassificationData) -> str:
    """Compare with the baseline, out of fold, where there are more chips to tell them apart."""
    table = contents.difference_table
    if table is None or contents.chosen_model == "baseline":
        return ""
    rows = table[(table["split"] == OUT_OF_FOLD) & (table["metric"] == "roc_auc")]
    pair = rows[(rows["model"] == contents.chosen_model) & (rows["rival"] == "baseline")]
    if pair.empty:
        return ""
    difference = Interval(*(float(pair[name].iloc[0]) for name in ("value", "low", "high")))
    verdict = "may be chance"
    if difference.low > 0 or difference.high < 0:
        verdict = "is more than chance"
    above = "above" if difference.value >= 0 else "below"
    size = Interval(abs(difference.value), difference.low, difference.high)
    return (
        f"Out of fold its ROC AUC lies {decimal(size.value)} {above} the baseline's "
        f"(difference {decimal(difference.low)} to {decimal(difference.high)}): this {verdict}."
    )


def _calibration(rows: pd.DataFrame) -> str:
    error = interval_of(rows, "expected_calibration_error")
    if error is None:
        return ""
    advice = (
        "they may be read as they stand"
        if error.value < _WELL_CALIBRATED
        else "read them as a ranking rather than as chances"
    )
    points = f"{100 * error.value:.0f} percentage points"
    return f"Its probabilities are off by {points} on average; {advice}."


def _mistakes(contents: ClassificationData, split: str) -> str:
    table = contents.category_table
    if table is None or table.empty:
        return ""
    rows = table[(table["split"] == split) & (table["model"] == contents.chosen_model)]
    alarms = rows[(rows["label"] == 0) & (rows["wrong"] > 0)]
    if alarms.empty:
        return ""
    worst = alarms.sort_values("wrong", ascending=False).iloc[0]
    total = int(alarms["wrong"].sum())
    verb = "lies" if int(worst["wrong"]) == 1 else "lie"
    return (
        f"Of its {count(total, 'false alarm')}, {int(worst['wrong'])} {verb} in the category "
        f"{category_title(str(worst['category']))} ({count(int(worst['chips']), 'chip')})."
    )


def _headlines(contents: ClassificationData, split: str) -> tuple[Headline, ...]:
    rows = select_scores(contents.score_table, split, contents.chosen_model)
    others = select_scores(contents.score_table, OUT_OF_FOLD, contents.chosen_model)
    titles = (
        ("recall", "of mines are found", True),
        ("precision", "of alarms are right", True),
        ("f1", "both in one figure", False),
        ("roc_auc", "mine ranked above other chip", False),
    )
    headlines = []
    for metric, title, as_percent in titles:
        figure = interval_of(rows, metric)
        if figure is None:
            continue
        text, ends = (percent, percent_range) if as_percent else (decimal, decimal_range)
        other = interval_of(others, metric) if split == TEST else None
        beside = f"{text(other.value)} ({ends(other)})" if other is not None else ""
        headlines.append(Headline(title, metric_title(metric), text(figure.value), ends(figure), beside))
    return tuple(headlines)


def limits(rows: pd.DataFrame, split: str) -> tuple[str, ...]:
    """Say what limits the figures.

    Args:
        rows: Of a score table, with ``places``.
        split: ``test`` or ``out-of-fold``.
    """
    caveats = []
    if split != TEST:
        caveats.append(
            "No chips were kept out for a test: the threshold was chosen on the very predictions "
            "that are scored here, which flatters the figures that depend on it a little."
        )
    places = int(rows["places"].iloc[0]) if len(rows) else 0
    if places == 1:
        caveats.append("There is only 1 place, from which no interval can be drawn.")
    elif places < FEW_PLACES:
        caveats.append(f"There are only {count(places, 'place')} to resample: expect the intervals to be too narrow.")
    return tuple(caveats)
