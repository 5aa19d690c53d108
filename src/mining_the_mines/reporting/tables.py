"""Tables of the report as rows of text."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mining_the_mines.reporting.classification_summary import interval_of, select_scores
from mining_the_mines.reporting.formatting import (
    MISSING,
    category_title,
    count,
    decimal,
    decimal_range,
    metric_title,
    model_title,
    percent,
    percent_range,
)
from mining_the_mines.scoring.bootstrap import Interval
from mining_the_mines.scoring.metrics import CONFUSION, LOWER_IS_BETTER, METRICS


@dataclass(frozen=True)
class Cell:
    """A figure with what stands small beneath it; the best of its row is set off."""

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
    """A table ready to be written out.

    Attributes:
        caption: What it holds.
        heads: Heads of the columns, the first one above the rows' names.
        rows: Its rows.
        highlighted: Index of the column, among the cells, that the report is about; or none.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    highlighted: int | None = None


@dataclass(frozen=True)
class Confusion:
    """Chips of one model and split by truth and decision."""

    model: str
    tn: int
    fp: int
    fn: int
    tp: int


def _models(rows: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(rows["model"].astype(str)))


def _best(metric: str, values: list[float]) -> int | None:
    """Index of the best of several figures; none if they are fewer than two or undefined."""
    if len(values) < 2 or np.isnan(values).all():
        return None
    return int(np.nanargmin(values) if metric in LOWER_IS_BETTER else np.nanargmax(values))


def _score_row(rows: pd.DataFrame, models: list[str], metric: str, name: str) -> Row:
    figures = [
        interval_of(rows[rows["model"] == model], metric) or Interval(np.nan, np.nan, np.nan) for model in models
    ]
    best = _best(metric, [figure.value for figure in figures])
    cells = tuple(
        Cell(decimal(figure.value), decimal_range(figure), index == best) for index, figure in enumerate(figures)
    )
    return Row(name, cells, "smaller is better" if metric in LOWER_IS_BETTER else "")


def _side_by_side(caption: str, models: list[str], rows: list[Row], chosen: str) -> Table:
    heads = ("", *(model_title(model) for model in models))
    return Table(caption, heads, tuple(rows), models.index(chosen) if chosen in models else None)


def score_rows(table: pd.DataFrame, split: str, caption: str, chosen: str) -> Table | None:
    """Lay out the scores of all models side by side, one row a metric.

    Args:
        table: From :func:`mining_the_mines.scoring.score_table`.
        split: ``test`` or ``out-of-fold``.
        caption: Heading of the table.
        chosen: The model that the report is about.

    Returns:
        The table, or ``None`` if the split has no scores.
    """
    rows = select_scores(table, split)
    if rows.empty:
        return None
    models = _models(rows)
    present = [name for name in dict.fromkeys(rows["metric"]) if name not in CONFUSION]
    ordered = [name for name in METRICS if name in present]
    ordered += [name for name in present if name not in METRICS]
    lines = [_score_row(rows, models, name, metric_title(name)) for name in ordered]
    return _side_by_side(caption, models, lines, chosen)


def exclusion_rows(table: pd.DataFrame, split: str, caption: str, chosen: str) -> Table | None:
    """Lay out the ranking metrics without each category of chips without a mine.

    Args:
        table: From :func:`mining_the_mines.scoring.score_table`.
        split: ``test`` or ``out-of-fold``.
        caption: Heading of the table.
        chosen: The model that the report is about.

    Returns:
        The table, or ``None`` if no category was left out on this split.
    """
    here = table[(table["split"] == split) & table["category_excluded"].notna()]
    if here.empty:
        return None
    models = _models(here)
    lines = [
        _score_row(rows, models, str(metric), f"{metric_title(str(metric))} without {category_title(str(category))}")
        for (metric, category), rows in here.groupby(["metric", "category_excluded"], sort=False)
    ]
    lines.sort(key=lambda row: not row.name.startswith(metric_title("roc_auc")))
    return _side_by_side(caption, models, lines, chosen)


def confusions(table: pd.DataFrame, split: str) -> list[Confusion]:
    """Confusion counts of each model on a split."""
    rows = select_scores(table, split)
    found = []
    for model in _models(rows):
        counts = rows[rows["model"] == model].set_index("metric")["value"]
        if set(CONFUSION) <= set(counts.index):
            found.append(Confusion(model_title(model), *(int(counts[name]) for name in CONFUSION)))
    return found


def category_rows(table: pd.DataFrame, split: str, caption: str, chosen: str) -> Table | None:
    """Lay out the share of right decisions by category, the models side by side.

    Args:
        table: From :func:`mining_the_mines.scoring.scores_by_category`.
        split: ``test`` or ``out-of-fold``.
        caption: Heading of the table.
        chosen: The model that the report is about.

    Returns:
        Mines first, then the rest from the most false alarms to the least; ``None`` without any.
    """
    rows = table[table["split"] == split]
    if rows.empty:
        return None
    models = _models(rows)
    order = rows[rows["model"] == (chosen if chosen in models else models[0])]
    order = order.sort_values(["label", "value"], ascending=[False, True])
    lines = []
    for category, label in zip(order["category"], order["label"], strict=True):
        members = rows[(rows["category"] == category) & (rows["label"] == label)]
        cells = []
        for model in models:
            line = members[members["model"] == model]
            if line.empty:
                cells.append(Cell(MISSING))
                continue
            figure = Interval(*(float(line[name].iloc[0]) for name in ("value", "low", "high")))
            cells.append(Cell(percent(figure.value), percent_range(figure)))
        truth = "mine" if label == 1 else "no mine"
        chips = int(members["chips"].max())
        lines.append(Row(category_title(str(category)), tuple(cells), f"{truth}, {count(chips, 'chip')}"))
    return _side_by_side(caption, models, lines, chosen)


def plain_table(frame: pd.DataFrame, caption: str) -> Table:
    """Write any table out: index left out, floats to four significant digits.

    Args:
        frame: The table; its first column names the rows.
        caption: Heading of the table.
    """
    names = [str(column).replace("_", " ") for column in frame.columns]
    lines = []
    for values in frame.itertuples(index=False, name=None):
        texts = [_text(value) for value in values]
        lines.append(Row(texts[0], tuple(Cell(text) for text in texts[1:])))
    return Table(caption, tuple(names), tuple(lines))


def _text(value: object) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return MISSING
    if isinstance(value, (float, np.floating)):
        return MISSING if np.isnan(value) else f"{value:.4g}"
    return str(value)


def fold_rows(folds: pd.DataFrame) -> Table:
    """Count chips, mines and places of each fold and of the test split, and check that none leaks.

    Args:
        folds: One row a chip: ``label``, ``place``, ``split``, ``fold``.
    """
    is_test = folds["split"] == "test"
    part = folds["fold"].map(lambda fold: "–" if pd.isna(fold) else f"Fold {int(fold)}")
    part = part.mask(is_test, "Test")
    lines = []
    for name, chips in folds.groupby(part):
        mines = int((chips["label"] == 1).sum())
        cells = (len(chips), mines, percent(mines / len(chips)), chips["place"].nunique())
        lines.append(Row(str(name), tuple(Cell(str(value)) for value in cells)))
    heads = ("", "Chips", "With a mine", "Share", "Places")
    parts_a_place = part.groupby(folds["place"]).nunique()
    torn = int((parts_a_place > 1).sum())
    claim = "no place lies" if torn == 0 else f"{count(torn, 'place lies', 'places lie')}"
    return Table(f"Folds: {claim} in two of them", heads, tuple(lines))


def rejection_rows(manifest: pd.DataFrame) -> tuple[Table, Table] | None:
    """List what was rejected: once by reason, once chip by chip.

    Args:
        manifest: ``filename``, ``verdict``, ``reason``.

    Returns:
        Counts by reason and the full list; ``None`` if nothing was rejected.
    """
    rejected = manifest[manifest["verdict"] == "rejected"]
    if rejected.empty:
        return None
    reasons = rejected["reason"].fillna("no reason given").astype(str)
    counts = reasons.value_counts()
    by_reason = Table(
        "Rejected, by reason",
        ("Reason", "Chips"),
        tuple(Row(str(reason), (Cell(str(number)),)) for reason, number in counts.items()),
    )
    files = zip(rejected["filename"].astype(str), reasons, strict=True)
    full = Table(
        "Every rejected chip",
        ("File", "Reason"),
        tuple(Row(filename, (Cell(reason),)) for filename, reason in files),
    )
    return by_reason, full


def manifest_rows(manifest: pd.DataFrame) -> Table:
    """Sum up what the accepted chips are like.

    Args:
        manifest: One row a chip found; columns as in
            :class:`~mining_the_mines.reporting.report_data.ReportData`.
    """
    accepted = manifest[manifest["verdict"] == "accepted"]
    lines = [Row("Chips found", (Cell(str(len(manifest))),))]
    lines.append(Row("Accepted", (Cell(str(len(accepted))),)))
    if "label" in accepted:
        labels = accepted["label"]
        counts = (int((labels == 1).sum()), int((labels == 0).sum()), int(labels.isna().sum()))
        for name, number in zip(("With a mine", "Without", "Unlabelled"), counts, strict=True):
            lines.append(Row(name, (Cell(str(number)),)))
    if {"width", "height"} <= set(accepted.columns):
        size = _whole(accepted["width"]) + " × " + _whole(accepted["height"])
        lines.append(Row("Size in pixels", (Cell(_commonest(size)),)))
    for column, name in (("bands", "Bands"), ("dtype", "Data type"), ("crs", "Coordinates")):
        if column in accepted:
            text = _commonest(accepted[column].astype("string").str.replace(",", " "))
            lines.append(Row(name, (Cell(text),)))
    return Table("The chips", ("", ""), tuple(lines))


def _whole(numbers: pd.Series) -> pd.Series:
    """Write whole numbers as such, also where missing ones have made them floats."""
    return numbers.astype("Int64").astype("string")


def _commonest(values: pd.Series, most: int = 4) -> str:
    """Name the commonest values, with their counts if there are several."""
    counts = values.fillna("none").value_counts()
    if len(counts) == 1:
        return str(counts.index[0])
    named = [f"{value} ({number})" for value, number in counts.head(most).items()]
    return ", ".join(named) + (f" and {len(counts) - most} others" if len(counts) > most else "")
