"""Maps of chips, with the coastlines and borders that come with the package.

The lines are Natural Earth's 1:50m countries (public domain), simplified to 0.1°; they are for
orientation and state nothing about the course of a border.
"""

import json
import math
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from mining_the_mines.reporting.drawing import (
    BLUE,
    INK,
    LAND,
    MUTED,
    ORANGE,
    PAPER,
    PURPLE,
    VERMILLION,
    WIDTH,
    add_legend_below,
    new_axes,
    styled,
)

#: A degree of latitude in kilometres on a sphere of the Earth's mean radius, 6371 km.
_KILOMETRES_A_DEGREE = 111.195
#: Least side of a map in degrees, so that a map of one place shows its surroundings.
_LEAST_SPAN = 0.5
#: Height of the map over its width, kept between these.
_ASPECTS = (0.55, 1.0)


class _Symbol(NamedTuple):
    title: str
    colour: str
    marker: str
    size: float


#: Drawn in this order, the most important ones on top; they differ in shape as well as in colour.
SPLIT_SYMBOLS = MappingProxyType(
    {
        "train": _Symbol("Training and tuning", BLUE, "o", 14),
        "test": _Symbol("Test", ORANGE, "s", 20),
    }
)
DECISION_SYMBOLS = MappingProxyType(
    {
        "TN": _Symbol("Rightly left alone", MUTED, "o", 9),
        "TP": _Symbol("Mine found", BLUE, "o", 14),
        "FP": _Symbol("False alarm", ORANGE, "s", 26),
        "FN": _Symbol("Missed mine", VERMILLION, "^", 32),
    }
)
FIT_SYMBOLS = MappingProxyType(
    {
        "empty": _Symbol("No mine, none predicted", MUTED, "o", 9),
        "good": _Symbol("Mine, IoU 0.5 or more", BLUE, "o", 14),
        "poor": _Symbol("Mine, IoU below 0.5", PURPLE, "D", 18),
        "false": _Symbol("False alarm", ORANGE, "s", 26),
        "missed": _Symbol("Missed mine", VERMILLION, "^", 32),
    }
)


@cache
def _coastlines() -> tuple[NDArray[np.float64], ...]:
    """Lines of (longitude, latitude), decoded from TopoJSON's integer steps."""
    text = resources.files("mining_the_mines.reporting").joinpath("coastlines.topojson").read_text()
    topology = json.loads(text)
    scale = np.array(topology["transform"]["scale"])
    lines = [np.cumsum(np.array(arc), axis=0) * scale for arc in topology["arcs"]]
    # A coast goes on at the map's other side where it crosses the antimeridian.
    crossings = [np.flatnonzero(np.abs(np.diff(line[:, 0])) > 180) + 1 for line in lines]
    return tuple(part for line, cuts in zip(lines, crossings, strict=True) for part in np.split(line, cuts))


class View(NamedTuple):
    """Bounds of a map in degrees."""

    west: float
    south: float
    east: float
    north: float


def view_around(longitudes: NDArray[np.float64], latitudes: NDArray[np.float64]) -> View:
    """Choose the bounds of a map that holds all places with a margin.

    Args:
        longitudes: Degrees east, shape (N,), at least one.
        latitudes: Degrees north, shape (N,).
    """
    middle = (longitudes.min() + longitudes.max()) / 2, (latitudes.min() + latitudes.max()) / 2
    shrink = max(0.2, math.cos(math.radians(middle[1])))
    width = max(float(np.ptp(longitudes)) * 1.12, _LEAST_SPAN / shrink)
    height = max(float(np.ptp(latitudes)) * 1.12, _LEAST_SPAN)
    flattest, tallest = _ASPECTS
    height = max(height, flattest * width * shrink)
    width = max(width, height / (tallest * shrink))
    return View(middle[0] - width / 2, middle[1] - height / 2, middle[0] + width / 2, middle[1] + height / 2)


@styled
def place_map(points: pd.DataFrame, kind: str, symbols: MappingProxyType[str, _Symbol]) -> Figure | None:
    """Draw a map of chips.

    Args:
        points: ``longitude``, ``latitude`` (missing where unknown) and the column ``kind``.
        kind: Column whose values choose the symbol.
        symbols: Symbol by value, from the bottom to the top.

    Returns:
        The map, or ``None`` if no chip has coordinates.
    """
    if not {"longitude", "latitude"} <= set(points.columns):
        return None
    known = points.dropna(subset=["longitude", "latitude"])
    if known.empty:
        return None
    longitudes = known["longitude"].to_numpy(dtype=np.float64)
    latitudes = known["latitude"].to_numpy(dtype=np.float64)
    view = view_around(longitudes, latitudes)
    shrink = max(0.2, math.cos(math.radians((view.south + view.north) / 2)))
    aspect = (view.north - view.south) / ((view.east - view.west) * shrink)
    figure, axes = _map_axes(aspect, legend_rows=-(-known[kind].nunique() // 2))
    _draw_coastlines(axes, view)
    for value, symbol in symbols.items():
        chosen = (known[kind] == value).to_numpy()
        if chosen.any():
            axes.scatter(
                longitudes[chosen],
                latitudes[chosen],
                s=symbol.size,
                marker=symbol.marker,
                color=symbol.colour,
                edgecolors=PAPER,
                linewidths=0.4,
                label=f"{symbol.title} ({int(chosen.sum())})",
                zorder=3,
            )
    _frame(axes, view, shrink)
    add_legend_below(figure, 2)
    return figure


def _map_axes(aspect: float, legend_rows: int) -> tuple[Figure, Axes]:
    """Make the axes of a map; those with up to two rows in the legend line up with each other."""
    left, right, below, above = 0.55, 0.1, 0.75 + 0.17 * max(0, legend_rows - 2), 0.08
    width = WIDTH - left - right
    height = below + width * aspect + above
    figure, axes = new_axes(WIDTH, height)
    figure.set_layout_engine("none")
    axes.set_position((left / WIDTH, below / height, width / WIDTH, width * aspect / height))
    return figure, axes


def _draw_coastlines(axes: Axes, view: View) -> None:
    """Draw the lines that touch the view; the others would only swell the file."""
    near = [
        line
        for line in _coastlines()
        if line[:, 0].max() >= view.west
        and line[:, 0].min() <= view.east
        and line[:, 1].max() >= view.south
        and line[:, 1].min() <= view.north
    ]
    axes.add_collection(LineCollection(near, colors=LAND, linewidths=1, zorder=1), autolim=False)


def _frame(axes: Axes, view: View, shrink: float) -> None:
    axes.set_xlim(view.west, view.east)
    axes.set_ylim(view.south, view.north)
    axes.set_aspect(1 / shrink)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _degrees(x, "E", "W")))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _degrees(y, "N", "S")))
    axes.grid(visible=True, linewidth=0.5)
    _draw_scale(axes, view, shrink)


def _degrees(value: float, positive: str, negative: str) -> str:
    side = "" if value == 0 else positive if value > 0 else negative
    return f"{abs(round(value, 2)):g}°{side}"


def _draw_scale(axes: Axes, view: View, shrink: float) -> None:
    """Draw a bar of a round length, about a fifth of the map's width, at its middle latitude."""
    across = (view.east - view.west) * shrink * _KILOMETRES_A_DEGREE
    power = 10 ** math.floor(math.log10(across / 5))
    length = max(step * power for step in (1, 2, 5) if step * power <= across / 5)
    share = length / across
    axes.plot(
        [0.04, 0.04 + share],
        [0.05, 0.05],
        transform=axes.transAxes,
        color=INK,
        linewidth=2.2,
        solid_capstyle="butt",
        zorder=4,
    )
    axes.text(0.04, 0.065, f"{length:g} km", transform=axes.transAxes, color=INK, fontsize=9, zorder=4)
