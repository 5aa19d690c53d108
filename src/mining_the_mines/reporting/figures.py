"""Figures of scores, thresholds, areas and training: tables in, matplotlib figures out."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from mining_the_mines.reporting.drawing import (
    BLUE,
    GRID,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    VERMILLION,
    WIDTH,
    add_legend_below,
    line_style,
    new_axes,
    series_colour,
    series_marker,
    styled,
)
from mining_the_mines.reporting.formatting import metric_title, model_title
from mining_the_mines.scoring.metrics import assign_probability_bins

_SQUARE = 4.1
_HATCHES = ("", "//")


@styled
def roc_figure(predictions: pd.DataFrame) -> Figure:
    """Draw the receiver operating characteristic of each model.

    Args:
        predictions: Rows of one split with ``model``, ``label``, ``probability``.
    """
    figure, axes = _unit_square("Share of other chips called mines", "Share of mines found", diagonal="Guessing")
    for index, title, rows in _models(predictions):
        false_positive_rate, true_positive_rate, _ = roc_curve(rows["label"], rows["probability"])
        axes.plot(false_positive_rate, true_positive_rate, **line_style(index, 1.8), label=title)
    axes.legend(loc="lower right")
    return figure


@styled
def precision_recall_figure(predictions: pd.DataFrame) -> Figure:
    """Draw precision against recall of each model, and the precision of guessing.

    Args:
        predictions: Rows of one split with ``model``, ``label``, ``probability``.
    """
    figure, axes = _unit_square("Share of mines found (recall)", "Share of alarms that are right (precision)")
    share = float(predictions["label"].mean())
    axes.axhline(share, color=MUTED, linewidth=0.9, linestyle=":", label="Guessing")
    for index, title, rows in _models(predictions):
        precision, recall, _ = precision_recall_curve(rows["label"], rows["probability"])
        axes.step(recall[::-1], precision[::-1], where="pre", **line_style(index, 1.8), label=title)
    axes.legend(loc="lower left")
    return figure


@styled
def calibration_figure(predictions: pd.DataFrame) -> Figure:
    """Draw the reliability curve of each model; larger dots stand for more chips.

    Args:
        predictions: Rows of one split with ``model``, ``label``, ``probability``.
    """
    figure, axes = _unit_square("Predicted probability of a mine", "Share that are mines", diagonal="Perfect")
    for index, title, rows in _models(predictions):
        bins = assign_probability_bins(rows["probability"])
        curve = (
            rows.astype({"label": float}).groupby(bins).agg({"probability": "mean", "label": "mean", "model": "size"})
        )
        points = curve["probability"], curve["label"]
        axes.plot(*points, **line_style(index, 1.2), label=title)
        axes.scatter(*points, s=12 + 120 * curve["model"] / len(rows), **_dots(index))
    axes.legend(loc="upper left")
    return figure


@styled
def threshold_figure(curve: pd.DataFrame, metrics: Sequence[str], threshold: float) -> Figure:
    """Draw scores out of fold by threshold, and the chosen threshold.

    Args:
        curve: ``threshold`` and a column per metric.
        metrics: Metrics to draw; the first one is emphasised.
        threshold: The chosen threshold.
    """
    figure, axes = new_axes()
    for index, name in enumerate(metrics):
        style = line_style(index, 1.4 if index else 2.2)
        axes.step(curve["threshold"], curve[name], where="mid", **style, label=metric_title(name))
    axes.axvline(threshold, color=INK, linewidth=1)
    right = threshold < 0.7
    axes.annotate(
        f"chosen: {threshold:.3f}",
        (threshold, 0.03),
        xytext=(5 if right else -5, 0),
        textcoords="offset points",
        ha="left" if right else "right",
        color=INK,
        fontsize=9.5,
    )
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04), xlabel="Threshold", ylabel="Score, out of fold")
    add_legend_below(figure, len(metrics))
    return figure


@styled
def area_by_threshold_figure(curve: pd.DataFrame, threshold: float) -> Figure:
    """Draw the predicted hectares by threshold, beside the true ones.

    Args:
        curve: From :func:`mining_the_mines.scoring.thresholds.pixel_threshold_curve`.
        threshold: The chosen threshold.
    """
    figure, axes = new_axes()
    true = float(curve["true_hectares"].iloc[0])
    axes.plot(curve["threshold"], curve["predicted_hectares"], **line_style(0, 2), label="Predicted")
    axes.axhline(true, **line_style(1, 1.6), label="True")
    axes.axvline(threshold, color=INK, linewidth=1)
    axes.set_xlim(-0.02, 1.02)
    # The lowest thresholds call everything a mine and would flatten the rest.
    axes.set_ylim(0, min(float(curve["predicted_hectares"].max()) * 1.05, 3 * true))
    axes.set(xlabel="Threshold", ylabel="Hectares, out of fold")
    add_legend_below(figure, 2)
    return figure


@styled
def area_figure(chips: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw predicted against true hectares of each chip, on axes of square roots that show small mines.

    Args:
        chips: ``true_hectares`` and ``predicted_hectares`` by title of the split.
    """
    figure, axes = new_axes()
    columns = ["true_hectares", "predicted_hectares"]
    most = 1.06 * max(0.1, *(float(rows[columns].to_numpy().max(initial=0)) for rows in chips.values()))
    axes.plot([0, most], [0, most], color=MUTED, linewidth=0.9, linestyle=":", label="Perfect")
    for index, (split, rows) in enumerate(chips.items()):
        axes.scatter(rows[columns[0]], rows[columns[1]], s=22, label=split, clip_on=False, **_dots(index))
    axes.set_xscale("function", functions=(_root, np.square))
    axes.set_yscale("function", functions=(_root, np.square))
    power = 10.0 ** np.floor(np.log10(most))
    ticks = [0.0, *sorted(tick for step in (0.1, 0.5, 1, 2, 4, 6, 8) if (tick := round(step * power, 6)) <= most)]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks)
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set(xlim=(0, most), ylim=(0, most), xlabel="True hectares of a chip", ylabel="Predicted hectares")
    add_legend_below(figure, 3)
    return figure


def _root(values: ArrayLike) -> NDArray[np.float64]:
    return np.sqrt(np.clip(np.asarray(values, dtype=np.float64), 0, None))


@styled
def fit_figure(chips: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw a histogram of the IoU of chips with a mine.

    Args:
        chips: Chips with a mine, with ``iou``, by title of the split.
    """
    figure, axes = new_axes()
    axes.hist(
        [rows["iou"].to_numpy() for rows in chips.values()],
        bins=np.linspace(0, 1, 11).tolist(),
        color=[series_colour(index) for index in range(len(chips))],
        edgecolor=GRID,
        label=list(chips),
        stacked=True,
    )
    for index, container in enumerate(axes.containers):
        for bar in container:
            bar.set_hatch(_HATCHES[index % len(_HATCHES)])
    axes.grid(visible=False, axis="x")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlim=(0, 1), xlabel="IoU of a chip with a mine", ylabel="Chips")
    add_legend_below(figure, 2)
    return figure


@styled
def probability_figure(predictions: pd.DataFrame, threshold: float) -> Figure:
    """Draw histograms of the probabilities of mines and of other chips.

    Args:
        predictions: Rows of one model and split with ``label`` and ``probability``.
        threshold: The chosen threshold.
    """
    figure, axes = new_axes()
    for label, title, colour, hatch in ((0, "No mine", BLUE, "//"), (1, "Mine", VERMILLION, "")):
        chance = predictions.loc[predictions["label"] == label, "probability"]
        bins = np.linspace(0, 1, 21).tolist()
        axes.hist(chance, bins=bins, color=colour, alpha=0.6, edgecolor=GRID, hatch=hatch, label=title)
    axes.axvline(threshold, color=INK, linewidth=1)
    axes.set(xlabel="Predicted probability of a mine", ylabel="Chips")
    add_legend_below(figure, 2)
    return figure


@styled
def learning_curve_figure(curves: pd.DataFrame, metric: str) -> Figure:
    """Draw a metric over the epochs: a thin line per fold and a thick one for their mean.

    Args:
        curves: Long table ``fold``, ``epoch``, ``stage``, ``metric``, ``value``.
        metric: Metric to draw.
    """
    figure, axes = new_axes()
    rows = curves[curves["metric"] == metric]
    for index, (stage, values) in enumerate(rows.groupby("stage", sort=True)):
        for _, line in values.groupby("fold"):
            ordered = line.sort_values("epoch")
            axes.plot(ordered["epoch"], ordered["value"], color=series_colour(index), alpha=0.35, linewidth=0.9)
        mean = values.groupby("epoch")["value"].mean()
        label, marker = f"{str(stage).capitalize()}, mean of folds", "o" if len(mean) == 1 else None
        axes.plot(mean.index, mean.to_numpy(), marker=marker, label=label, **line_style(index, 2.2))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="Epoch", ylabel=metric_title(metric))
    axes.legend()
    return figure


@styled
def importance_figure(importances: pd.DataFrame, most: int = 15) -> Figure:
    """Draw the features with the largest permutation importance.

    Args:
        importances: ``feature``, ``importance`` and ``deviation`` of one model.
        most: Number of features to draw.
    """
    top = importances.nlargest(most, "importance").iloc[::-1]
    figure, axes = new_axes(WIDTH, 0.8 + 0.22 * len(top))
    axes.barh(
        top["feature"].astype(str),
        top["importance"],
        xerr=top["deviation"],
        color=BLUE,
        height=0.68,
        error_kw={"ecolor": MUTED, "elinewidth": 1},
    )
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel="Loss of score when the feature is shuffled")
    return figure


def lowest_score(scores: pd.DataFrame) -> float:
    """Choose the start of the axis of :func:`interval_figure`, a little below the lowest end."""
    return max(0.0, float(np.nanmin([0.98, *scores["low"], *scores["value"]])) - 0.03)


@styled
def interval_figure(scores: pd.DataFrame, lowest: float) -> Figure:
    """Draw the scores of each model with their intervals.

    Args:
        scores: Rows with ``model``, ``metric``, ``value``, ``low``, ``high``; higher is better in all of them.
        lowest: Start of the axis; the same for figures that stand side by side.
    """
    metrics = list(dict.fromkeys(scores["metric"]))
    models = list(dict.fromkeys(scores["model"]))
    figure, axes = new_axes(WIDTH, 0.9 + 0.16 * len(metrics) * (len(models) + 1))
    step = 0.72 / max(1, len(models))
    for index, model in enumerate(models):
        rows = scores[scores["model"] == model].set_index("metric").reindex(metrics)
        heights = np.arange(len(metrics)) + (index - (len(models) - 1) / 2) * step
        axes.hlines(heights, rows["low"], rows["high"], color=series_colour(index), linewidth=2)
        axes.scatter(rows["value"], heights, s=34, label=model_title(str(model)), **_dots(index))
    axes.set_yticks(np.arange(len(metrics)), [metric_title(name) for name in metrics])
    axes.set_ylim(len(metrics) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(lowest, 1.005)
    add_legend_below(figure, len(models) if len(models) < 5 else 3)
    return figure


@styled
def band_figure(statistics: pd.DataFrame) -> Figure:
    """Draw the reflectance of each band: the middle half as a box, the 2nd to 98th percentile as a line.

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
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}\N{NARROW NO-BREAK SPACE}%"))
    axes.set_ylim(bottom=min(0.0, float(statistics["p2"].min())))
    axes.set(xlabel="Band", ylabel="Reflectance of training chips")
    return figure


def _models(predictions: pd.DataFrame) -> Iterator[tuple[int, str, pd.DataFrame]]:
    for index, (model, rows) in enumerate(predictions.groupby("model", sort=False)):
        yield index, model_title(str(model)), rows


def _unit_square(horizontal: str, vertical: str, diagonal: str = "") -> tuple[Figure, Axes]:
    figure, axes = new_axes(_SQUARE, _SQUARE)
    if diagonal:
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=":", label=diagonal)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_aspect("equal")
    axes.set(xlabel=horizontal, ylabel=vertical)
    return figure, axes


def _dots(index: int) -> dict[str, Any]:
    """Style of the dots of the n-th series, as keywords of matplotlib."""
    return {
        "marker": series_marker(index),
        "color": series_colour(index),
        "edgecolors": PAPER,
        "linewidths": 0.6,
        "zorder": 3,
    }
