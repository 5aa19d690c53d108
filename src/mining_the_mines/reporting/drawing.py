"""The drawing style, and drawings as SVG that belongs to the page it stands in.

Figures are made as :class:`matplotlib.figure.Figure` without pyplot, so that nothing global is
left behind. Colours are roles: each is drawn in a stand-in and replaced by a CSS variable, so that
one drawing serves light and dark pages. The palette is that of Okabe and Ito, *Color Universal
Design* (2008), which colour-blind people can tell apart.
"""

import io
import re
from types import MappingProxyType
from typing import Literal

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mining_the_mines.reporting.report_data import Picture

#: CSS variable by role, and the stand-in that matplotlib draws. The stand-ins are near the light
#: theme's colours, so that a figure saved on its own looks right too.
INK = "#1b1f24"
MUTED = "#5b6470"
GRID = "#dde1e6"
LAND = "#c3c9d1"
PAPER = "#fefefe"
BLUE = "#0072b2"
VERMILLION = "#d55e00"
GREEN = "#009e73"
PURPLE = "#cc79a7"
ORANGE = "#e69f00"
SKY = "#56b4e9"
ROLES = MappingProxyType(
    {
        INK: "--ink",
        MUTED: "--muted",
        GRID: "--grid",
        LAND: "--land",
        PAPER: "--paper",
        BLUE: "--blue",
        VERMILLION: "--vermillion",
        GREEN: "--green",
        PURPLE: "--purple",
        ORANGE: "--orange",
        SKY: "--sky",
    }
)
LegendPlace = Literal["best", "upper left", "upper center", "lower left", "lower right", "center left", "center right"]

#: Colours of models, folds and the like, in the order in which they are given out.
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
#: Lines differ by dash as well as by colour.
DASHES: tuple[str | tuple[int, tuple[int, ...]], ...] = (
    "-",
    (0, (5, 1)),
    (0, (3, 1, 1, 1)),
    (0, (1, 1)),
    (0, (7, 2)),
    (0, (4, 1, 1, 1, 1, 1)),
)

#: Inches; 324 points across, so that text of 10 points stays legible on a phone.
WIDTH, HEIGHT = 4.5, 3.5


def new_axes(width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """Begin a figure with one set of axes in the house style.

    Args:
        width: Inches.
        height: Inches.
    """
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="none")
    axes = figure.add_subplot()
    axes.set_facecolor("none")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_color(MUTED)
    axes.tick_params(colors=MUTED, labelcolor=INK, labelsize=9.5, length=3)
    axes.grid(visible=True, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def label_axes(axes: Axes, horizontal: str, vertical: str) -> None:
    """Name both axes.

    Args:
        axes: To be labelled.
        horizontal: What runs from left to right, with its unit.
        vertical: What runs from bottom to top, with its unit.
    """
    axes.set_xlabel(horizontal, color=INK, fontsize=10)
    axes.set_ylabel(vertical, color=INK, fontsize=10)


def add_legend(axes: Axes, location: LegendPlace = "best") -> None:
    """Add a legend on the page's own ground.

    Args:
        axes: With labelled artists.
        location: As matplotlib names it.
    """
    axes.legend(loc=location, fontsize=9, labelcolor=INK, facecolor=PAPER, edgecolor="none", framealpha=0.85)


def add_legend_below(figure: Figure, columns: int) -> None:
    """Add a legend under the axes, where it covers nothing.

    Args:
        figure: With one set of axes and labelled artists.
        columns: Entries beside each other.
    """
    figure.legend(loc="outside lower center", ncols=columns, fontsize=9, labelcolor=INK, frameon=False)


def series_colour(index: int) -> str:
    """Colour of the n-th series; after the last it begins again, with another dash."""
    return SERIES[index % len(SERIES)]


def series_dash(index: int) -> str | tuple[int, tuple[int, ...]]:
    """Dash of the n-th series."""
    return DASHES[index % len(DASHES)]


def to_svg(figure: Figure, name: str, description: str) -> str:
    """Write a figure as an SVG element for an HTML page.

    Args:
        figure: Drawn with the colours of this module.
        name: Unique on the page; it keeps the element ids of several figures apart.
        description: What the figure shows, for those who can't see it.

    Returns:
        An ``<svg>`` element without width, height, namespaces or links: it follows the page's
        width and colours, and refers to nothing outside itself.
    """
    buffer = io.StringIO()
    with mpl.rc_context(
        {
            "svg.fonttype": "none",  # text stays text: smaller, selectable, read aloud
            "svg.hashsalt": "mining_the_mines",  # the same figure gives the same bytes
            "svg.image_inline": True,
        }
    ):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->\s*|<style.*?</style>", "", svg, flags=re.DOTALL)
    view_box = re.search(r'viewBox="[^"]*"', svg)
    box = view_box.group(0) if view_box else ""
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r"font(-family)?: ([^;\"]*?)'[^;\"]*", _page_font, svg)
    for stand_in, variable in ROLES.items():
        svg = re.sub(stand_in, f"var({variable})", svg, flags=re.IGNORECASE)
    opening = f'<svg class="drawing" role="img" aria-label="{_attribute(description)}" {box}>'
    return re.sub(r"<svg[^>]*>", lambda _: opening, svg, count=1).strip()


def captioned(figure: Figure, name: str, description: str, caption: str) -> Picture:
    """Make a figure a picture of the page.

    Args:
        figure: Drawn with the colours of this module.
        name: Unique on the page.
        description: What the figure shows, for those who can't see it.
        caption: What to see in it.
    """
    return Picture(Markup(to_svg(figure, name, description)), caption)  # noqa: S704 - escaped there


def _page_font(match: re.Match[str]) -> str:
    """Let the page choose the typeface, keep the size."""
    if match.group(1):
        return "font-family: inherit"
    return f"font: {match.group(2)}var(--font)"


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def mark_threshold(axes: Axes, threshold: float) -> None:
    """Mark the chosen threshold in a figure of scores by threshold, and label its axes."""
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
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.04)
    label_axes(axes, "Threshold", "Score, out of fold")
