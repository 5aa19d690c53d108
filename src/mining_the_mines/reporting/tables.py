"""Tables of the report: rows of formatted cells, for every task."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from mining_the_mines.geo.great_circle import nearest_distance
from mining_the_mines.reporting.formatting import (
    MISSING,
    SPLIT_TITLES,
    category_title,
    count,
    decimal,
    figure_texts,
    metric_title,
    model_title,
    percent,
    share_texts,
)
from mining_the_mines.scoring.bootstrap import UNDEFINED, Interval
from mining_the_mines.scoring.metrics import CONFUSION, LOWER_IS_BETTER
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST, intervals_of, select_scores

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


def score_rows(
    columns: Mapping[str, pd.DataFrame],
    metrics: Iterable[str],
    notes: Mapping[str, str] = MappingProxyType({}),
    digits: int = 3,
) -> list[Row]:
    """Lay out scores, one row per metric; undefined ones are dashes.

    Args:
        columns: Rows of a score table, of one model and split, by head of the column.
        metrics: Metrics to show, in this order.
        notes: Note of a row by metric.
        digits: Decimals of scores between 0 and 1.
    """
    scores = [intervals_of(rows) for rows in columns.values()]
    return [
        Row(
            metric_title(metric),
            tuple(Cell(*figure_texts(metric, of.get(metric, UNDEFINED), digits)) for of in scores),
            notes.get(metric, ""),
        )
        for metric in metrics
    ]


def size_row(columns: Mapping[str, pd.DataFrame]) -> Row:
    """Give the numbers of chips and places behind each column of :func:`score_rows`."""
    sizes = [(int(rows["chips"].iloc[0]), int(rows["places"].iloc[0])) for rows in columns.values()]
    return Row("Chips", tuple(Cell(str(chips), count(places, "place")) for chips, places in sizes))


def summarise_scores(table: pd.DataFrame, headlines: Sequence[str], model: str | None = None) -> dict[str, Any]:
    """Gather the scores of a model on the test split if there is one, else out of fold.

    Args:
        table: Score table.
        headlines: Metrics of the large figures at the top of the page.
        model: The model, if there are several.

    Returns:
        Values of the summary: ``test``, whether the scores are of the test split; ``chips`` and ``places``, their
        numbers; ``scores``, defined intervals by metric; ``headlines``, each with ``metric``, ``title``, ``value``,
        ``interval`` (empty if it has none) and ``out_of_fold``, the figure out of fold if the value is of the test.
    """
    test = bool((table["split"] == TEST).any())
    rows = select_scores(table, TEST if test else OUT_OF_FOLD, model)
    scores = intervals_of(rows)
    beside = intervals_of(select_scores(table, OUT_OF_FOLD, model)) if test else {}
    return {
        "test": test,
        "chips": int(rows["chips"].iloc[0]) if len(rows) else 0,
        "places": int(rows["places"].iloc[0]) if len(rows) else 0,
        "scores": {metric: score for metric, score in scores.items() if not np.isnan(score.value)},
        "headlines": [
            {"metric": metric, "title": metric_title(metric), "value": value, "interval": ends}
            | {"out_of_fold": _in_a_line(*_headline(metric, beside[metric])) if metric in beside else ""}
            for metric in headlines
            if metric in scores
            for value, ends in [_headline(metric, scores[metric])]
        ],
    }


def _headline(metric: str, interval: Interval) -> tuple[str, str]:
    return share_texts(interval) if metric in _PERCENT_HEADLINES else figure_texts(metric, interval)


def _in_a_line(value: str, ends: str) -> str:
    return f"{value} ({ends})" if ends else value


def model_tables(table: pd.DataFrame, chosen: str) -> list[Table]:
    """Lay out the scores of all models side by side, a table for each split with the test first.

    Args:
        table: From :func:`mining_the_mines.scoring.tables.score_table`.
        chosen: Name of the highlighted model.
    """
    whole = table[table["category_excluded"].isna() & ~table["metric"].isin(CONFUSION)]
    return _tables_by_split(
        whole, chosen, ["metric"], lambda rows: _with_best(rows, metric_title(_one(rows["metric"])))
    )


def exclusion_tables(table: pd.DataFrame, chosen: str) -> list[Table]:
    """Lay out the ranking metrics without each category of chips without a mine, a table for each split.

    Args:
        table: From :func:`mining_the_mines.scoring.tables.score_table`.
        chosen: Name of the highlighted model.
    """

    def row(rows: pd.DataFrame) -> Row:
        without = category_title(_one(rows["category_excluded"]))
        return _with_best(rows, f"{metric_title(_one(rows['metric']))} without {without}")

    without = table[table["category_excluded"].notna()]
    without = without.sort_values("metric", key=lambda metric: metric != "roc_auc", kind="stable")
    return _tables_by_split(without, chosen, ["metric", "category_excluded"], row)


def category_tables(table: pd.DataFrame | None, chosen: str) -> list[Table]:
    """Lay out the share of right decisions by category, a table for each split.

    Args:
        table: From :func:`mining_the_mines.scoring.tables.scores_by_category`.
        chosen: Name of the highlighted model.

    Returns:
        Tables with mines first, then the other categories from the most false alarms of the chosen model to the least.
    """

    def row(rows: pd.DataFrame) -> Row:
        cells = tuple(Cell(*share_texts(figure)) for figure in _by_model(rows))
        kind = "mine" if rows["label"].max() else "no mine"
        return Row(category_title(_one(rows["category"])), cells, f"{kind}, {count(int(rows['chips'].max()), 'chip')}")

    if table is None:
        return []
    order = table["value"].where(table["model"] == chosen)
    keys = table.assign(order=order.groupby([table["split"], table["category"], table["label"]]).transform("max"))
    ranked = keys.sort_values(["label", "order"], ascending=[False, True], kind="stable")
    return _tables_by_split(ranked, chosen, ["category", "label"], row)


def _tables_by_split(
    table: pd.DataFrame, chosen: str, keys: list[str], row: Callable[[pd.DataFrame], Row]
) -> list[Table]:
    """Lay out figures, a table for each split with a row per key and a column per model.

    Args:
        table: Columns ``split``, ``model``, the keys, and those of an interval.
        chosen: Name of the highlighted model.
        keys: Columns that make a row, in the order of the table.
        row: Formats the rows of one key, one for each model; the columns of an interval are missing where a model has
            no figure.
    """
    tables = []
    for split, title in SPLIT_TITLES.items():
        rows = table[table["split"] == split]
        models = list(dict.fromkeys(rows["model"].astype(str)))
        if models:
            every = [of.set_index("model").reindex(models) for _, of in rows.groupby(keys, sort=False)]
            place = models.index(chosen) if chosen in models else None
            tables.append(Table(title, ("", *map(model_title, models)), tuple(map(row, every)), place))
    return tables


def _by_model(rows: pd.DataFrame) -> list[Interval]:
    return [Interval(*map(float, ends)) for ends in rows[list(Interval._fields)].itertuples(index=False, name=None)]


def _one(values: "pd.Series[Any]") -> str:
    return str(values.dropna().iloc[0])


def _with_best(rows: pd.DataFrame, name: str) -> Row:
    """Format one metric of several models; the best are marked unless all are alike."""
    metric, figures = _one(rows["metric"]), _by_model(rows)
    lower = metric in LOWER_IS_BETTER
    values = rows["value"].astype(float)
    best = values == (values.min() if lower else values.max())
    cells = tuple(
        Cell(*figure_texts(metric, figure), best=is_best and not best.all())
        for figure, is_best in zip(figures, best, strict=True)
    )
    return Row(name, cells, "smaller is better" if lower else "")


def confusions(table: pd.DataFrame, split: str) -> list[dict[str, Any]]:
    """Give the confusion counts of each model on a split: ``model``, its title, and a number per cell."""
    rows = select_scores(table, split)
    rows = rows[rows["metric"].isin(CONFUSION)]
    return [
        {"model": model_title(str(model)), **of.set_index("metric")["value"].astype(int)}
        for model, of in rows.groupby("model", sort=False)
    ]


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
    if isinstance(value, (float, np.floating)):
        return MISSING if np.isnan(value) else f"{value:.4g}"
    return MISSING if value is None or value is pd.NA or value is pd.NaT else str(value)


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
        folds: One row per chip: ``label``, ``place``, ``split``, ``fold``, ``longitude``, ``latitude``.

    Returns:
        A row per fold, with its distance to the nearest chip of another fold; that of the test split is to the folds.
    """
    part = folds["fold"].map(lambda fold: MISSING if pd.isna(fold) else f"Fold {int(fold)}")
    part = part.mask(folds["split"] == "test", "Test")
    degrees = folds[["longitude", "latitude"]].to_numpy(dtype=np.float64)
    lines = []
    for name, chips in folds.groupby(part):
        mines = int((chips["label"] == 1).sum())
        away = nearest_distance(degrees[part == name], degrees[(part != name) & (part != "Test")])
        share = percent(mines / len(chips))
        lines.append((name, len(chips), mines, share, chips["place"].nunique(), decimal(away, 0 if away >= 10 else 1)))
    torn = int(part.groupby(folds["place"]).nunique().gt(1).sum())
    claim = f"{count(torn, 'place lies', 'places lie')}" if torn else "no place lies"
    heads = ("", "Chips", "With a mine", "Share", "Places", "To other folds, km")
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
        manifest: One row per chip found; columns as in :class:`~mining_the_mines.reporting.page.ReportData`.
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
