"""Drawings of scores: tables in, matplotlib figures out.

The tables behind the curves come from :mod:`mining_the_mines.scoring`, so that they can be drawn
with another library as well.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mining_the_mines.reporting.drawing import (
    BLUE,
    GRID,
    HEIGHT,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    VERMILLION,
    WIDTH,
    add_legend,
    add_legend_below,
    label_axes,
    mark_threshold,
    new_axes,
    series_colour,
    series_dash,
)
from mining_the_mines.reporting.formatting import metric_title, model_title
from mining_the_mines.scoring.calibration import reliability_curve
from mining_the_mines.scoring.curves import (
    precision_recall_points,
    roc_curve_points,
    threshold_curve,
)

_SQUARE = 4.1
_MARKERS = ("o", "s", "^", "D", "v", "P")


def _unit_square(axes: Axes) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_aspect("equal")


def roc_figure(predictions: pd.DataFrame) -> Figure:
    """Draw each model's receiver operating characteristic.

    Args:
        predictions: One split's rows with ``model``, ``label``, ``probability``.
    """
    figure, axes = new_axes(_SQUARE, _SQUARE)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=":", label="Guessing")
    for index, (model, rows) in enumerate(predictions.groupby("model", sort=False)):
        points = roc_curve_points(rows["label"], rows["probability"])
        axes.plot(
            points["false_positive_rate"],
            points["true_positive_rate"],
            color=series_colour(index),
            linestyle=series_dash(index),
            linewidth=1.8,
            label=model_title(str(model)),
        )
    _unit_square(axes)
    label_axes(axes, "Share of other chips called mines", "Share of mines found")
    add_legend(axes, "lower right")
    return figure


def precision_recall_figure(predictions: pd.DataFrame) -> Figure:
    """Draw each model's precision against recall, and the share of mines that guessing would get.

    Args:
        predictions: One split's rows with ``model``, ``label``, ``probability``.
    """
    figure, axes = new_axes(_SQUARE, _SQUARE)
    share = float(predictions["label"].mean())
    axes.axhline(share, color=MUTED, linewidth=0.9, linestyle=":", label="Guessing")
    for index, (model, rows) in enumerate(predictions.groupby("model", sort=False)):
        points = precision_recall_points(rows["label"], rows["probability"])
        axes.step(
            points["recall"],
            points["precision"],
            where="pre",
            color=series_colour(index),
            linestyle=series_dash(index),
            linewidth=1.8,
            label=model_title(str(model)),
        )
    _unit_square(axes)
    label_axes(axes, "Share of mines found (recall)", "Share of alarms that are right (precision)")
    add_legend(axes, "lower left")
    return figure


def calibration_figure(predictions: pd.DataFrame) -> Figure:
    """Draw promised probability against what came true; larger dots stand for more chips.

    Args:
        predictions: One split's rows with ``model``, ``label``, ``probability``.
    """
    figure, axes = new_axes(_SQUARE, _SQUARE)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=":", label="Perfect")
    for index, (model, rows) in enumerate(predictions.groupby("model", sort=False)):
        curve = reliability_curve(rows["label"], rows["probability"])
        colour = series_colour(index)
        axes.plot(
            curve["mean_probability"],
            curve["mine_share"],
            color=colour,
            linestyle=series_dash(index),
            linewidth=1.2,
            label=model_title(str(model)),
        )
        axes.scatter(
            curve["mean_probability"],
            curve["mine_share"],
            s=12 + 120 * curve["chips"] / curve["chips"].sum(),
            marker=_MARKERS[index % len(_MARKERS)],
            color=colour,
            edgecolors=PAPER,
            linewidths=0.6,
            zorder=3,
        )
    _unit_square(axes)
    label_axes(axes, "Predicted probability of a mine", "Share that are mines")
    add_legend(axes, "upper left")
    return figure


def threshold_figure(predictions: pd.DataFrame, threshold: float) -> Figure:
    """Draw what each threshold would bring out of fold, and the one chosen.

    Args:
        predictions: One model's out-of-fold rows with ``label`` and ``probability``.
        threshold: The chosen one.
    """
    figure, axes = new_axes(WIDTH, HEIGHT)
    curve = threshold_curve(predictions["label"], predictions["probability"])
    for index, name in enumerate(("f1", "precision", "recall")):
        axes.step(
            curve["threshold"],
            curve[name],
            where="mid",
            color=series_colour(index),
            linestyle=series_dash(index),
            linewidth=2.2 if name == "f1" else 1.4,
            label=metric_title(name),
        )
    mark_threshold(axes, threshold)
    add_legend(axes, "center left" if threshold > 0.45 else "center right")
    return figure


def learning_curve_figure(curves: pd.DataFrame, metric: str) -> Figure:
    """Draw one figure of training over the epochs, a thin line a fold and a thick one their mean.

    Args:
        curves: Long table ``fold``, ``epoch``, ``stage``, ``metric``, ``value``.
        metric: Which metric to draw.
    """
    figure, axes = new_axes(WIDTH, HEIGHT)
    rows = curves[curves["metric"] == metric]
    for index, (stage, values) in enumerate(rows.groupby("stage", sort=True)):
        colour = series_colour(index)
        for _, line in values.groupby("fold"):
            ordered = line.sort_values("epoch")
            axes.plot(ordered["epoch"], ordered["value"], color=colour, alpha=0.35, linewidth=0.9)
        mean = values.groupby("epoch")["value"].mean()
        axes.plot(
            mean.index,
            mean.to_numpy(),
            color=colour,
            linewidth=2.2,
            linestyle=series_dash(index),
            marker="o" if len(mean) == 1 else None,
            label=f"{str(stage).capitalize()}, mean of folds",
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    label_axes(axes, "Epoch", metric_title(metric))
    add_legend(axes)
    return figure


def importance_figure(importances: pd.DataFrame, most: int = 15) -> Figure:
    """Draw the features whose shuffling costs the baseline most.

    Args:
        importances: ``feature``, ``importance`` and, if known, ``spread``.
        most: How many to show.
    """
    top = importances.nlargest(most, "importance").iloc[::-1]
    figure, axes = new_axes(WIDTH, 0.8 + 0.22 * len(top))
    axes.barh(
        top["feature"].astype(str),
        top["importance"],
        xerr=top.get("spread"),
        color=BLUE,
        height=0.68,
        error_kw={"ecolor": MUTED, "elinewidth": 1},
    )
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    label_axes(axes, "Loss of score when the feature is shuffled", "")
    return figure


def interval_figure(scores: pd.DataFrame, lowest: float) -> Figure:
    """Draw each model's scores with their intervals, so that overlaps can be seen at a glance.

    Args:
        scores: Rows of one split with ``model``, ``metric``, ``value``, ``low``, ``high``, all of
            them better when larger.
        lowest: Where the axis begins; the same for figures that stand side by side.
    """
    metrics = list(dict.fromkeys(scores["metric"]))
    models = list(dict.fromkeys(scores["model"]))
    figure, axes = new_axes(WIDTH, 0.9 + 0.16 * len(metrics) * (len(models) + 1))
    step = 0.72 / max(1, len(models))
    for index, model in enumerate(models):
        rows = scores[scores["model"] == model].set_index("metric").reindex(metrics)
        rise = (index - (len(models) - 1) / 2) * step
        heights = np.arange(len(metrics)) + rise
        colour = series_colour(index)
        axes.hlines(heights, rows["low"], rows["high"], color=colour, linewidth=2)
        axes.scatter(
            rows["value"],
            heights,
            color=colour,
            marker=_MARKERS[index % len(_MARKERS)],
            s=34,
            zorder=3,
            edgecolors=PAPER,
            linewidths=0.6,
            label=model_title(str(model)),
        )
    axes.set_yticks(np.arange(len(metrics)), [metric_title(name) for name in metrics])
    axes.set_ylim(len(metrics) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(lowest, 1.005)
    add_legend_below(figure, min(3, len(models)))
    return figure


def band_figure(statistics: pd.DataFrame) -> Figure:
    """Draw how bright each band is: middle half as a box, 2nd to 98th percentile as a line.

    Args:
        statistics: ``band`` and reflectance percentiles ``p2``, ``p25``, ``p50``, ``p75``, ``p98``.
    """
    figure, axes = new_axes(WIDTH, 3.0)
    across = np.arange(len(statistics))
    axes.vlines(across, statistics["p2"], statistics["p98"], color=MUTED, linewidth=1.2)
    middle = statistics["p75"] - statistics["p25"]
    axes.bar(across, middle, bottom=statistics["p25"], width=0.6, color=BLUE, edgecolor=PAPER)
    axes.hlines(statistics["p50"], across - 0.3, across + 0.3, color=ORANGE, linewidth=2.4)
    axes.set_xticks(across, statistics["band"].astype(str))
    axes.grid(visible=False, axis="x")
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.set_ylim(bottom=min(0.0, float(statistics["p2"].min())))
    label_axes(axes, "Band", "Reflectance of training chips")
    return figure


def probability_figure(predictions: pd.DataFrame, threshold: float) -> Figure:
    """Draw how far the model keeps mines and other chips apart.

    Args:
        predictions: One model's rows of one split with ``label`` and ``probability``.
        threshold: Where the line is drawn.
    """
    figure, axes = new_axes(WIDTH, HEIGHT)
    edges = np.linspace(0, 1, 21)
    groups = ((0, "No mine", BLUE, "//"), (1, "Mine", VERMILLION, ""))
    for label, title, colour, hatch in groups:
        chance = predictions.loc[predictions["label"] == label, "probability"]
        axes.hist(
            chance,
            bins=edges.tolist(),
            color=colour,
            alpha=0.6,
            edgecolor=GRID,
            hatch=hatch,
            label=title,
        )
    axes.axvline(threshold, color=INK, linewidth=1)
    label_axes(axes, "Predicted probability of a mine", "Chips")
    add_legend_below(figure, 2)
    return figure
