"""Tables of the report: rows of formatted cells, for every task."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from mining_the_mines.reporting.formatting import (
    MISSING,
    SPLIT_TITLES,
    category_title,
    count,
    figure_texts,
    metric_title,
    model_title,
    percent,
    span,
)
from mining_the_mines.scoring.bootstrap import UNDEFINED, Interval
from mining_the_mines.scoring.metrics import CONFUSION, LOWER_IS_BETTER, METRICS
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST, interval_of, select_scores

_PERCENT_HEADLINES: Final = frozenset({"recall", "precision", "iou"})


@dataclass(frozen=True)
class Cell:
    """A figure with a small note beneath it; the best of its row is bold."""

    text: str
    beneath: str = ""
    best: bool = False


@dataclass(frozen=True)
class Row:
    """A named row of cells."""

    name: str
    cells: tuple[Cell, ...]
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table of formatted cells.

    Attributes:
        caption: Title of the table.
        heads: Heads of the columns, the first one above the names of the rows.
        rows: Its rows.
        highlighted: Index of the highlighted column among the cells, if any.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    highlighted: int | None = None


@dataclass(frozen=True)
class Confusion:
    """Numbers of chips of one model and split by truth and decision."""

    model: str
    tn: int
    fp: int
    fn: int
    tp: int


def text_table(caption: str, heads: Sequence[str], lines: Iterable[Sequence[object]]) -> Table | None:
    """Make a table of texts and numbers.

    Args:
        caption: Title of the table.
        heads: Heads of the columns.
        lines: For each row its name, or a pair of name and note, and its cells.

    Returns:
        The table, or ``None`` if it has no row.
    """
    rows = []
    for first, *cells in lines:
        name, note = first if isinstance(first, tuple) else (first, "")
        rows.append(Row(str(name), tuple(cell if isinstance(cell, Cell) else Cell(str(cell)) for cell in cells), note))
    return Table(caption, tuple(heads), tuple(rows)) if rows else None


def figure_cell(rows: pd.DataFrame, metric: str, digits: int = 3) -> Cell:
    """Format a score with its interval beneath; a dash if it is undefined.

    Args:
        rows: Of a score table, of one model and split.
        metric: Name of the metric.
        digits: Decimals of scores between 0 and 1.
    """
    return Cell(*figure_texts(metric, interval_of(rows, metric) or UNDEFINED, digits))


def percent_cell(interval: Interval | None) -> Cell:
    """Format a share in whole per cent with its interval beneath."""
    figure = interval or UNDEFINED
    return Cell(percent(figure.value), span(figure, percent))


def score_rows(
    columns: Mapping[str, pd.DataFrame],
    metrics: Iterable[str],
    notes: Mapping[str, str] = MappingProxyType({}),
    digits: int = 3,
) -> list[Row]:
    """Lay out scores, one row a metric.

    Args:
        columns: Rows of a score table, of one model and split, by head of the column.
        metrics: Metrics to show, in this order.
        notes: Note of a row by metric.
        digits: Decimals of scores between 0 and 1.
    """
    return [
        Row(
            metric_title(metric),
            tuple(figure_cell(rows, metric, digits) for rows in columns.values()),
            notes.get(metric, ""),
        )
        for metric in metrics
    ]


def size_row(columns: Mapping[str, pd.DataFrame]) -> Row:
    """Give the numbers of chips and places behind each column of :func:`score_rows`."""
    sizes = [(int(rows["chips"].iloc[0]), int(rows["places"].iloc[0])) for rows in columns.values()]
    return Row("Chips", tuple(Cell(str(chips), count(places, "place")) for chips, places in sizes))


def model_tables(table: pd.DataFrame, chosen: str) -> list[Table]:
    """Lay out the scores of all models side by side, a table for each split with the test first.

    Args:
        table: From :func:`mining_the_mines.scoring.tables.score_table`.
        chosen: Name of the highlighted model.
    """
    tables = []
    for split, title in SPLIT_TITLES.items():
        rows = select_scores(table, split)
        columns = _by_model(rows)
        present = [name for name in dict.fromkeys(rows["metric"]) if name not in CONFUSION]
        metrics = [name for name in METRICS if name in present] + [name for name in present if name not in METRICS]
        lines = [_with_best(columns, metric, metric_title(metric)) for metric in metrics]
        if lines:
            tables.append(_model_table(title, columns, lines, chosen))
    return tables


def exclusion_tables(table: pd.DataFrame, chosen: str) -> list[Table]:
    """Lay out the ranking metrics without each category of chips without a mine, a table for each split.

    Args:
        table: From :func:`mining_the_mines.scoring.tables.score_table`.
        chosen: Name of the highlighted model.
    """
    tables = []
    for split, title in SPLIT_TITLES.items():
        rows = table[(table["split"] == split) & table["category_excluded"].notna()]
        lines = [
            _with_best(
                _by_model(of), str(metric), f"{metric_title(str(metric))} without {category_title(str(left_out))}"
            )
            for (metric, left_out), of in rows.groupby(["metric", "category_excluded"], sort=False)
        ]
        lines.sort(key=lambda row: not row.name.startswith(metric_title("roc_auc")))
        if lines:
            tables.append(_model_table(title, _by_model(rows), lines, chosen))
    return tables


def category_tables(table: pd.DataFrame | None, chosen: str) -> list[Table]:
    """Lay out the share of right decisions by category, a table for each split.

    Args:
        table: From :func:`mining_the_mines.scoring.tables.scores_by_category`.
        chosen: Name of the highlighted model.

    Returns:
        Tables with mines first, then the other categories from the most false alarms to the least.
    """
    if table is None:
        return []
    tables = []
    for split, title in SPLIT_TITLES.items():
        columns = _by_model(table[table["split"] == split])
        if columns:
            order = columns.get(chosen, next(iter(columns.values())))
            order = order.sort_values(["label", "value"], ascending=[False, True])
            keys = zip(order["category"].astype(str), order["label"].astype(int), strict=True)
            lines = [_category_row(columns, category, label) for category, label in keys]
            tables.append(_model_table(title, columns, lines, chosen))
    return tables


def _category_row(columns: Mapping[str, pd.DataFrame], category: str, label: int) -> Row:
    found = [rows[(rows["category"] == category) & (rows["label"] == label)] for rows in columns.values()]
    cells = [
        Cell(MISSING) if rows.empty else percent_cell(Interval(*(float(rows[end].iloc[0]) for end in Interval._fields)))
        for rows in found
    ]
    chips = int(max(rows["chips"].max() for rows in found if len(rows)))
    return Row(category_title(category), tuple(cells), f"{'mine' if label else 'no mine'}, {count(chips, 'chip')}")


def _by_model(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(model): of for model, of in rows.groupby("model", sort=False)}


def _model_table(caption: str, columns: Mapping[str, pd.DataFrame], rows: list[Row], chosen: str) -> Table:
    heads = ("", *(model_title(model) for model in columns))
    return Table(caption, heads, tuple(rows), list(columns).index(chosen) if chosen in columns else None)


def _with_best(columns: Mapping[str, pd.DataFrame], metric: str, name: str) -> Row:
    """Format one metric of several models; the best is marked if there are two or more."""
    figures = [interval_of(rows, metric) or UNDEFINED for rows in columns.values()]
    values = np.array([figure.value for figure in figures])
    lower = metric in LOWER_IS_BETTER
    best = -1
    if len(values) > 1 and not np.isnan(values).all():
        best = int(np.nanargmin(values) if lower else np.nanargmax(values))
    cells = tuple(Cell(*figure_texts(metric, figure), place == best) for place, figure in enumerate(figures))
    return Row(name, cells, "smaller is better" if lower else "")


def confusions(table: pd.DataFrame, split: str) -> list[Confusion]:
    """Give the confusion counts of each model on a split."""
    found = []
    for model, rows in _by_model(select_scores(table, split)).items():
        counts = rows.set_index("metric")["value"]
        if set(CONFUSION) <= set(counts.index):
            found.append(Confusion(model_title(model), *(int(counts[name]) for name in CONFUSION)))
    return found


def plain_table(frame: pd.DataFrame, caption: str) -> Table:
    """Format any table: its index is left out, floats have four significant digits.

    Args:
        frame: The table; its first column names the rows.
        caption: Title of the table.
    """
    names = tuple(str(column).replace("_", " ") for column in frame.columns)
    lines = [[_text(value) for value in values] for values in frame.itertuples(index=False, name=None)]
    return text_table(caption, names, lines) or Table(caption, names, ())


def _text(value: object) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return MISSING
    if isinstance(value, (float, np.floating)):
        return MISSING if np.isnan(value) else f"{value:.4g}"
    return str(value)


def reason_table(frame: pd.DataFrame, column: str, caption: str, head: str) -> Table | None:
    """List left-out things, each with its reason.

    Args:
        frame: With ``column`` and ``reason``.
        column: The things.
        caption: Title of the table.
        head: Head of their column.
    """
    reasons = frame["reason"].fillna("no reason given").astype(str)
    return text_table(caption, (head, "Reason"), zip(frame[column].astype(str), reasons, strict=True))


def fold_table(folds: pd.DataFrame) -> Table:
    """Count chips, mines and places of each fold and of the test split, and check that no place is in two of them.

    Args:
        folds: One row a chip: ``label``, ``place``, ``split``, ``fold``.
    """
    part = folds["fold"].map(lambda fold: MISSING if pd.isna(fold) else f"Fold {int(fold)}")
    part = part.mask(folds["split"] == "test", "Test")
    lines = []
    for name, chips in folds.groupby(part):
        mines = int((chips["label"] == 1).sum())
        lines.append((name, len(chips), mines, percent(mines / len(chips)), chips["place"].nunique()))
    torn = int(part.groupby(folds["place"]).nunique().gt(1).sum())
    claim = f"{count(torn, 'place lies', 'places lie')}" if torn else "no place lies"
    heads = ("", "Chips", "With a mine", "Share", "Places")
    caption = f"Folds: {claim} in two of them"
    return text_table(caption, heads, lines) or Table(caption, heads, ())


def rejection_tables(manifest: pd.DataFrame) -> tuple[Table, Table] | None:
    """List rejected chips: counts by reason, and every chip.

    Args:
        manifest: ``filename``, ``verdict``, ``reason``.

    Returns:
        Both tables; ``None`` if no chip was rejected.
    """
    rejected = manifest[manifest["verdict"] == "rejected"]
    counts = rejected["reason"].fillna("no reason given").astype(str).value_counts()
    by_reason = text_table("Rejected, by reason", ("Reason", "Chips"), counts.items())
    every = reason_table(rejected, "filename", "Every rejected chip", "File")
    return None if by_reason is None or every is None else (by_reason, every)


def manifest_table(manifest: pd.DataFrame) -> Table:
    """Summarise the accepted chips.

    Args:
        manifest: One row a chip found; columns as in
            :class:`~mining_the_mines.reporting.page.ReportData`.
    """
    accepted = manifest[manifest["verdict"] == "accepted"]
    lines: list[tuple[str, object]] = [("Chips found", len(manifest)), ("Accepted", len(accepted))]
    if "label" in accepted:
        labels = accepted["label"]
        lines += [("With a mine", (labels == 1).sum()), ("Without", (labels == 0).sum())]
        lines += [("Unlabelled", labels.isna().sum())]
    if {"width", "height"} <= set(accepted.columns):
        # Missing sizes turn whole numbers into floats.
        width, height = (accepted[side].astype("Int64").astype("string") for side in ("width", "height"))
        lines.append(("Size in pixels", _most_frequent(width + " × " + height)))
    for column, name in (("bands", "Bands"), ("dtype", "Data type"), ("crs", "Coordinates")):
        if column in accepted:
            lines.append((name, _most_frequent(accepted[column].astype("string").str.replace(",", " "))))
    return text_table("The chips", ("", ""), lines) or Table("The chips", ("", ""), ())


def _most_frequent(values: pd.Series, most: int = 4) -> str:
    """Name the most frequent values, with their counts if there are several."""
    counts = values.fillna("none").value_counts()
    if len(counts) == 1:
        return str(counts.index[0])
    named = [f"{value} ({number})" for value, number in counts.head(most).items()]
    return ", ".join(named) + (f" and {len(counts) - most} others" if len(counts) > most else "")


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


def main_split(table: pd.DataFrame) -> str:
    """Choose the split of the summary: the test if there is one, else out of fold."""
    return TEST if (table["split"] == TEST).any() else OUT_OF_FOLD


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
