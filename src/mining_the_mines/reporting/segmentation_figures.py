"""Drawings of how well outlines fit: tables in, matplotlib figures out."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import ArrayLike, NDArray

from mining_the_mines.reporting.drawing import (
    GRID,
    HEIGHT,
    INK,
    MUTED,
    PAPER,
    WIDTH,
    add_legend_below,
    label_axes,
    mark_threshold,
    new_axes,
    series_colour,
    series_dash,
)
from mining_the_mines.reporting.formatting import metric_title

_MARKERS = ("o", "s")
_HATCHES = ("", "//")


def outline_threshold_figure(curve: pd.DataFrame, threshold: float) -> Figure:
    """Draw what each threshold would bring out of fold, pixel by pixel, and the one chosen.

    Args:
        curve: From :func:`mining_the_mines.scoring.pixel_tally.pixel_threshold_curve`.
        threshold: The chosen one.
    """
    figure, axes = new_axes(WIDTH, HEIGHT)
    for index, name in enumerate(("iou", "precision", "recall")):
        axes.plot(
            curve["threshold"],
            curve[name],
            color=series_colour(index),
            linestyle=series_dash(index),
            linewidth=2.2 if name == "iou" else 1.4,
            label=metric_title(name),
        )
    mark_threshold(axes, threshold)
    add_legend_below(figure, 3)
    return figure


def area_by_threshold_figure(curve: pd.DataFrame, threshold: float) -> Figure:
    """Draw how many hectares each threshold would outline, beside those that are mine.

    Args:
        curve: From :func:`mining_the_mines.scoring.pixel_tally.pixel_threshold_curve`.
        threshold: The chosen one.
    """
    figure, axes = new_axes(WIDTH, HEIGHT)
    true = float(curve["true_hectares"].iloc[0])
    axes.plot(curve["threshold"], curve["predicted_hectares"], color=series_colour(0), linewidth=2, label="Outlined")
    axes.axhline(true, color=series_colour(1), linestyle=series_dash(1), linewidth=1.6, label="True")
    axes.axvline(threshold, color=INK, linewidth=1)
    axes.set_xlim(-0.02, 1.02)
    # The lowest thresholds call everything a mine, and would flatten all that matters.
    axes.set_ylim(0, min(float(curve["predicted_hectares"].max()) * 1.05, 3 * true))
    label_axes(axes, "Threshold", "Hectares, out of fold")
    add_legend_below(figure, 2)
    return figure


def area_figure(chips: pd.DataFrame) -> Figure:
    """Draw each chip's outlined hectares against its true ones; square roots, so that small mines can be seen.

    Args:
        chips: ``true_hectares``, ``predicted_hectares`` and ``split``, the title of each chip's split.
    """
    figure, axes = new_axes(WIDTH, HEIGHT)
    most = max(float(chips[["true_hectares", "predicted_hectares"]].to_numpy().max(initial=0)), 0.1) * 1.06
    axes.plot([0, most], [0, most], color=MUTED, linewidth=0.9, linestyle=":", label="Perfect")
    for index, (split, rows) in enumerate(chips.groupby("split", sort=False)):
        axes.scatter(
            rows["true_hectares"],
            rows["predicted_hectares"],
            s=22,
            marker=_MARKERS[index % len(_MARKERS)],
            color=series_colour(index),
            edgecolors=PAPER,
            linewidths=0.5,
            label=str(split),
            zorder=3,
            clip_on=False,
        )
    ticks = _round_ticks(most)
    axes.set_xscale("function", functions=(_root, np.square))
    axes.set_yscale("function", functions=(_root, np.square))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks)
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(0, most)
    axes.set_ylim(0, most)
    label_axes(axes, "True hectares of a chip", "Outlined hectares")
    add_legend_below(figure, 3)
    return figure


def _root(values: ArrayLike) -> NDArray[np.float64]:
    return np.sqrt(np.clip(np.asarray(values, dtype=np.float64), 0, None))


def _round_ticks(most: float) -> list[float]:
    """Round numbers about evenly apart on an axis of square roots."""
    power = 10.0 ** np.floor(np.log10(most))
    candidates = {round(step * power, 6) for step in (0.1, 0.5, 1, 2, 4, 6, 8)}
    return [0.0, *sorted(tick for tick in candidates if tick <= most)]


def fit_figure(chips: pd.DataFrame) -> Figure:
    """Draw how many mines are outlined how well.

    Args:
        chips: Chips with a mine: ``iou`` and ``split``, the title of each chip's split.
    """
    figure, axes = new_axes(WIDTH, HEIGHT)
    groups = [(str(split), rows["iou"].to_numpy()) for split, rows in chips.groupby("split", sort=False)]
    axes.hist(
        [iou for _, iou in groups],
        bins=np.linspace(0, 1, 11).tolist(),
        color=[series_colour(index) for index in range(len(groups))],
        edgecolor=GRID,
        label=[title for title, _ in groups],
        stacked=True,
    )
    for index, container in enumerate(axes.containers):
        for bar in container:
            bar.set_hatch(_HATCHES[index % len(_HATCHES)])
    axes.grid(visible=False, axis="x")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(0, 1)
    label_axes(axes, "IoU of a chip with a mine", "Chips")
    add_legend_below(figure, 2)
    return figure
