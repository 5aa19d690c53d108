"""The style of all figures, and figures as inline SVG.

Figures are :class:`matplotlib.figure.Figure` without pyplot, which leaves no global state. Each
colour is drawn in a placeholder that is replaced by a CSS variable, so that one drawing serves light
and dark pages. The palette is that of Okabe and Ito, *Color Universal Design* (2008), which
colour-blind people can tell apart.
"""

import io
import re
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Placeholders that matplotlib draws. They are near the light theme's colours, so that a figure
#: saved on its own looks right too.
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
#: CSS variable by placeholder.
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

#: Colours of series in their order.
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
MARKERS = ("o", "s", "^", "D", "v", "P")

#: Inches; 324 points across, so that text of 10 points stays legible on a phone.
WIDTH, HEIGHT = 4.5, 3.5
#: Decorates functions that draw a figure.
styled = mpl.rc_context(
    {
        "figure.facecolor": "none",
        "figure.constrained_layout.use": True,
        "axes.facecolor": "none",
        "axes.edgecolor": MUTED,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.labelcolor": INK,
        "axes.labelsize": 10,
        "legend.fontsize": 9,
        "legend.labelcolor": INK,
        "legend.facecolor": PAPER,
        "legend.edgecolor": "none",
        "legend.framealpha": 0.85,
    }
)


def new_axes(width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """Make a figure of this size in inches, with one set of axes."""
    figure = Figure(figsize=(width, height))
    axes = figure.add_subplot()
    # Ticks and their grid are made when the figure is written, outside the decorated function.
    axes.tick_params(colors=MUTED, labelcolor=INK, labelsize=9.5, length=3)
    axes.grid(visible=True, color=GRID, linewidth=0.7)
    return figure, axes


def add_legend_below(figure: Figure, columns: int) -> None:
    """Add a legend under the axes, with this number of entries beside each other."""
    figure.legend(loc="outside lower center", ncols=columns, frameon=False)


def series_colour(index: int) -> str:
    """Colour of the n-th series; the colours repeat after the last."""
    return SERIES[index % len(SERIES)]


def series_marker(index: int) -> str:
    """Marker of the n-th series."""
    return MARKERS[index % len(MARKERS)]


def line_style(index: int, width: float) -> dict[str, Any]:
    """Colour, dash and width of the line of the n-th series, as keywords of matplotlib."""
    return {"color": series_colour(index), "linestyle": DASHES[index % len(DASHES)], "linewidth": width}


def to_svg(figure: Figure, name: str) -> Markup:
    """Write a figure as an SVG element for an HTML page.

    Args:
        figure: Drawn with the colours of this module.
        name: Unique on the page; keeps the element ids of several figures apart.

    Returns:
        An ``<svg>`` element without width, height, namespaces or links: it follows the width and
        colours of the page and refers to nothing outside itself.
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
    opening = f'<svg class="drawing" aria-hidden="true" {view_box.group(0) if view_box else ""}>'
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r"font(-family)?: ([^;\"]*?)'[^;\"]*", _page_font, svg)
    for placeholder, variable in ROLES.items():
        svg = re.sub(placeholder, f"var({variable})", svg, flags=re.IGNORECASE)
    svg = re.sub(r"<svg[^>]*>", lambda _: opening, svg, count=1).strip()
    return Markup(svg)  # noqa: S704 - matplotlib escapes text


def _page_font(match: re.Match[str]) -> str:
    """Keep the size of the text and use the typeface of the page."""
    if match.group(1):
        return "font-family: inherit"
    return f"font: {match.group(2)}var(--font)"
