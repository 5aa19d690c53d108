"""Scores and curves as Plotly figures, for viewers that draw them: plain values, as Plotly's JSON has them.

The structure is that of https://plotly.com/javascript/reference; nothing of Plotly is needed to write it.
"""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from mining_the_mines.reporting.drawing import series_colour
from mining_the_mines.reporting.formatting import SPLIT_TITLES, category_title, metric_title, model_title

PlotlyFigure = dict[str, Any]

#: Marks of series, in the order in which they are given out; they differ without colour too.
_MARKS: Final = ("circle", "square", "triangle-up", "diamond", "circle-open", "square-open", "triangle-up-open")
#: More marks below each other can't be told apart.
_MOST_MARKS: Final = 7
#: What tells series apart, where a table has it.
_SERIES: Final = ("split", "model", "rival", "size_class")


def draw_scores(scores: pd.DataFrame, metrics: Sequence[str], along: str = "metric") -> PlotlyFigure:
    """Draw scores with their intervals, a mark a model and split.

    Args:
        scores: Long table ``metric``, ``value``, ``low``, ``high`` with any of ``split``, ``model``, ``rival``,
            ``size_class``, ``category`` and ``category_excluded``. Rows that leave a category out, or that are about
            one scene of several, are not drawn.
        metrics: Which, in this order; those that the table lacks are left out.
        along: The column that runs from left to right.

    Returns:
        A figure; one without marks where the table has none of these scores.
    """
    rows = _whole(scores)
    rows = rows[rows["metric"].isin(metrics) & rows["value"].notna()]
    order = {metric: place for place, metric in enumerate(metrics)}
    rows = rows.sort_values("metric", key=lambda names: names.map(order), kind="stable")
    named = rows.assign(series=[_series(row) for row in rows.to_dict("records")])
    groups = list(named.groupby("series", sort=False))[:_MOST_MARKS]
    return {
        "data": [_marks(str(name), group, along, place) for place, (name, group) in enumerate(groups)],
        "layout": {
            "title": {"text": _title(rows, metrics, along)},
            "yaxis": {"title": {"text": "Difference" if _compared(rows) else "Score"}},
            "scattermode": "group",
            "legend": {"orientation": "h"},
        },
    }


def draw_curves(table: pd.DataFrame, columns: Sequence[str], along: str) -> PlotlyFigure:
    """Draw columns of a table as lines.

    Args:
        table: A row a point; where several rows have the same place along the axis, such as folds, their mean is drawn.
        columns: Which, in this order; those that the table lacks are left out.
        along: The column that runs from left to right.

    Returns:
        A figure.
    """
    known = [column for column in columns if column in table]
    means = table.groupby(along)[known].mean()
    lines = []
    for place, column in enumerate(known):
        points = means[column].dropna()
        lines.append(
            {
                "type": "scatter",
                "mode": "lines" if len(points) > 1 else "markers",
                "name": metric_title(column),
                "x": points.index.tolist(),
                "y": points.tolist(),
                "line": {"color": series_colour(place)},
            }
        )
    several = bool(table[along].duplicated().any())
    return {
        "data": lines,
        "layout": {
            "title": {"text": "Mean of the folds" if several else "By " + along},
            "xaxis": {"title": {"text": category_title(along).capitalize()}},
            "legend": {"orientation": "h"},
        },
    }


def _title(rows: pd.DataFrame, metrics: Sequence[str], along: str) -> str:
    """What is drawn; a table does not say which share of intervals should cover the truth."""
    if along != "metric":
        drawn = [metric for metric in metrics if (rows["metric"] == metric).any()]
        return f"{' and '.join(metric_title(metric) for metric in drawn or metrics)}, with intervals"
    return "Differences of scores (model − rival), with intervals" if _compared(rows) else "Scores with intervals"


def _compared(rows: pd.DataFrame) -> bool:
    """Whether values are differences of two models' scores."""
    return "rival" in rows and bool(rows["rival"].notna().any())


def _whole(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows about all chips and all scenes."""
    kept = pd.Series(data=True, index=scores.index)
    for column in ("category_excluded", "scene"):
        if column in scores:
            kept &= scores[column].isna()
    return scores[kept]


def _series(row: dict[Any, Any]) -> str:
    """What a row is about, in words."""
    words = [_in_words(column, row[column]) for column in _SERIES if isinstance(row.get(column), str)]
    return ", ".join(words) or "All"


def _in_words(column: str, value: str) -> str:
    if column == "split":
        return SPLIT_TITLES.get(value, value)
    if column == "rival":
        return f"against {model_title(value)}"
    return model_title(value)


def _marks(name: str, rows: pd.DataFrame, along: str, place: int) -> dict[str, Any]:
    """A series: a mark a score, with its interval where it has one."""
    above, below = (rows["high"] - rows["value"]).fillna(0), (rows["value"] - rows["low"]).fillna(0)
    title = metric_title if along == "metric" else category_title
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [title(str(value)) for value in rows[along]],
        "y": rows["value"].tolist(),
        "error_y": {"type": "data", "symmetric": False, "array": above.tolist(), "arrayminus": below.tolist()},
        "marker": {"color": series_colour(place), "symbol": _MARKS[place], "size": 9},
    }
