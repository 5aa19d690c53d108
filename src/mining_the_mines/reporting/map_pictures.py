"""Pictures of maps: a scene in true colour, with the outlines of mines drawn over it as vectors.

Outlines keep their width however small the picture is shown, and a mine smaller than a few pixels is a ring, so that it
can be seen at all. Where a reference is known, colours tell right from wrong, as on pictures of single chips; elsewhere
they tell how sure the map is.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine
from markupsafe import Markup, escape
from numpy.typing import NDArray

from mining_the_mines.reporting.composite_pictures import photograph
from mining_the_mines.reporting.confidence import (
    CONFIDENCE_CLASSES,
    REVIEW_COLOUR,
    confidence_ranks,
    css_colour,
    review_flags,
)
from mining_the_mines.reporting.overlay import FALSE, MISSED, tone_down
from mining_the_mines.reporting.pictures import Stretch, inline_photograph
from mining_the_mines.reporting.report_data import MapPicture, MapView
from mining_the_mines.scoring.map_matching import PREDICTION

#: More outlines on one picture hide the ground, and make the page heavy.
MOST_OUTLINES: Final = 2_000
#: Picture pixels: mines smaller than this are drawn as rings of this size, and outlines are as exact as that.
_RING: Final = 5.0
_EXACT: Final = 0.3


class OutlineStyle(NamedTuple):
    """A kind of outline: what it means, and how it is drawn."""

    title: str
    css: str
    filled: bool = False


#: Lighter than the blue of filled areas, which a thin line on dark woods would not be seen in.
RIGHT: Final = OutlineStyle("Mapped, and a mine is there", "#56b4e9")
WRONG: Final = OutlineStyle("Mapped, but no mine is there", FALSE.css, filled=True)
FOUND: Final = OutlineStyle("Reference mine, found", "#ffffff")
OVERLOOKED: Final = OutlineStyle("Reference mine, missed", MISSED.css, filled=True)
ASIDE: Final = OutlineStyle("Not scored: mostly outside, or no reference", "#b4bac2")
REVIEW: Final = OutlineStyle("To be reviewed", css_colour(REVIEW_COLOUR), filled=True)
BY_CONFIDENCE: Final = tuple(
    OutlineStyle(f"{found.title} confidence", found.css) for found in reversed(CONFIDENCE_CLASSES)
)


class DrawnMap(NamedTuple):
    """A scene's photograph, the same with outlines, the kinds of them, and how many were left out."""

    photograph: str
    markup: Markup
    styles: tuple[OutlineStyle, ...]
    undrawn: int


def draw_map(view: MapView, picture: MapPicture, objects: gpd.GeoDataFrame | None, stretch: Stretch) -> DrawnMap:
    """Draw the mines of a map, and those of the reference, over the scene in muted colours.

    Args:
        view: The map.
        picture: The scene.
        objects: The scene's objects, as :class:`~mining_the_mines.scoring.map_matching.MapComparison` has them;
            ``None`` where there is no reference.
        stretch: Shared with the scenes that it is compared with.

    Returns:
        The photograph as a data URI, and an ``<svg>`` with the outlines of the largest :data:`MOST_OUTLINES` mines.
    """
    height, width = picture.visible.shape[1:]
    kept, undrawn = _largest(_by_confidence(view) if objects is None else _by_verdict(view, objects))
    drawn = [(style, _path(geometry, ~picture.transform)) for style, geometry in kept if len(geometry)]
    photo = photograph(picture.visible, stretch)
    ground = inline_photograph(tone_down(photo).round().astype(np.uint8))
    halos = "".join(f'<path d="{path}"/>' for _, path in drawn)
    outlines = "".join(_group(style, path) for style, path in drawn)
    label = escape(f"Outlines of {len(view.mines)} mapped mines over {view.scene}")
    svg = (
        f'<svg class="map" role="img" aria-label="{label}" viewBox="0 0 {width} {height}">'
        f'<image href="{ground}" width="{width}" height="{height}"/><g class="halo">{halos}</g>{outlines}</svg>'
    )
    styles = tuple(style for style, _ in drawn)
    return DrawnMap(inline_photograph(photo), Markup(svg), styles, undrawn)  # noqa: S704 - escaped above


def _by_confidence(view: MapView) -> list[tuple[OutlineStyle, NDArray[np.object_]]]:
    """Those drawn last lie on top: what is to be reviewed, then the surest."""
    shapes, review = view.mines.geometry.to_numpy(), review_flags(view.mines)
    ranks = np.where(review, -1, confidence_ranks(view.mines))
    lowest = len(CONFIDENCE_CLASSES) - 1
    sure = [(style, shapes[ranks == lowest - place]) for place, style in enumerate(BY_CONFIDENCE)]
    return [*sure, (REVIEW, shapes[review])]


def _by_verdict(view: MapView, objects: gpd.GeoDataFrame) -> list[tuple[OutlineStyle, NDArray[np.object_]]]:
    """Those drawn last lie on top: what is wrong."""
    mapped = objects["side"] == PREDICTION
    of_mines = objects[mapped].set_index("object").reindex(view.mines["id"])
    scored = of_mines["counted"].fillna(value=False).to_numpy(dtype=np.bool_)
    touched = of_mines["touched"].fillna(value=False).to_numpy(dtype=np.bool_)
    drawn = objects[~mapped].to_crs(view.mines.crs)
    shapes, true = view.mines.geometry.to_numpy(), drawn.geometry.to_numpy()
    found, counted = drawn["touched"].to_numpy(dtype=np.bool_), drawn["counted"].to_numpy(dtype=np.bool_)
    return [
        (ASIDE, np.concatenate([shapes[~scored], true[~counted]])),
        (FOUND, true[counted & found]),
        (RIGHT, shapes[scored & touched]),
        (OVERLOOKED, true[counted & ~found]),
        (WRONG, shapes[scored & ~touched]),
    ]


def _largest(
    layers: list[tuple[OutlineStyle, NDArray[np.object_]]],
) -> tuple[list[tuple[OutlineStyle, NDArray[np.object_]]], int]:
    areas = np.concatenate([np.empty(0), *(shapely.area(geometry) for _, geometry in layers)])
    if len(areas) <= MOST_OUTLINES:
        return layers, 0
    least = np.sort(areas)[-MOST_OUTLINES]
    kept = [(style, geometry[shapely.area(geometry) >= least]) for style, geometry in layers]
    return kept, len(areas) - sum(len(geometry) for _, geometry in kept)


def _group(style: OutlineStyle, path: str) -> str:
    kind = ' class="area"' if style.filled else ""
    return f'<g{kind} style="--stroke: {style.css}"><path d="{path}"/></g>'


def _path(geometry: Iterable[shapely.Geometry], to_pixels: Affine) -> str:
    """Write shapes as the commands of an SVG path, in pixels of the picture."""

    def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
        columns = to_pixels.a * points[:, 0] + to_pixels.b * points[:, 1] + to_pixels.c
        return np.column_stack((columns, to_pixels.d * points[:, 0] + to_pixels.e * points[:, 1] + to_pixels.f))

    commands = []
    for shape in shapely.simplify(shapely.transform(np.asarray(geometry, dtype=np.object_), place), _EXACT):
        west, north, east, south = shapely.bounds(shape)
        if max(east - west, south - north) < _RING:
            commands.append(_ring((west + east) / 2, (north + south) / 2))
            continue
        for ring in shapely.get_rings(shapely.get_parts(shape)):
            points = shapely.get_coordinates(ring)[:-1]
            commands.append("M" + "L".join(f"{column:.1f} {row:.1f}" for column, row in points) + "Z")
    return "".join(commands)


def _ring(column: float, row: float) -> str:
    half = _RING / 2
    arc = f"a{half:g} {half:g} 0 1 0"
    return f"M{column - half:.1f} {row:.1f}{arc} {_RING:g} 0{arc} {-_RING:g} 0Z"
