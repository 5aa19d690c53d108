"""Pictures of maps in the report: scenes in true colour with the polygons of mines, as SVG.

Polygons in the report are vectors, which keep their line width at any size; a mine smaller than a few pixels is a ring.
With a reference, colours tell right from wrong, as in the pictures of chips; without, they tell the confidence. The
colours of confidence are yellow, sky blue and reddish purple, a little lightened, of Okabe and Ito, *Color Universal
Design* (2008), which colour-blind people can tell apart and which are lighter than woods, water and most soils.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine
from markupsafe import Markup, escape
from numpy.typing import NDArray

from mining_the_mines.reporting.pictures import (
    FALSE,
    MISSED,
    Colour,
    Stretch,
    css_colour,
    hatched_true_colour,
    inline_picture,
    tone_down,
)
from mining_the_mines.scoring.map_matching import PREDICTION


@dataclass(frozen=True, eq=False)
class MapPicture:
    """A mapped scene in true colour, in the size of the report.

    Attributes:
        visible: Reflectance of red, green and blue, float32 (3, H, W), NaN where there are no data.
        transform: From pixel (column, row) of this picture to coordinates in the CRS of the mines.
    """

    visible: NDArray[np.float32]
    transform: Affine


@dataclass(frozen=True, eq=False)
class MapView:
    """A map of a scene as the report shows it.

    Attributes:
        scene: Its name.
        mines: One row per mine, in the scene's CRS: ``id``, ``area_ha``, ``confidence`` (high, medium or low),
            ``touches_edge``, ``geometry`` and, where permits are known, ``review``; any number.
        mapped_hectares: Area in which the map has data.
        mapped_share: Share of the scene that has data, 0–1.
        unlike_share: Share of it that is unlike anything that the model has learnt from, 0–1; ``None`` if unknown.
        first_date: Date of the first image, if known.
        last_date: Date of the last image, if known.
        picture: The scene, if it is shown; a few are enough.
    """

    scene: str
    mines: gpd.GeoDataFrame
    mapped_hectares: float
    mapped_share: float
    first_date: date | None = None
    last_date: date | None = None
    picture: MapPicture | None = None
    unlike_share: float | None = None


class ConfidenceClass(NamedTuple):
    """A class of confidence and its colour."""

    name: str
    title: str
    colour: Colour


class PolygonStyle(NamedTuple):
    """Meaning and colour of some polygons of a map."""

    title: str
    css: str
    filled: bool = False


#: The highest confidence first.
CONFIDENCE_CLASSES: Final = (
    ConfidenceClass("high", "High", (240, 228, 66)),
    ConfidenceClass("medium", "Medium", (86, 180, 233)),
    ConfidenceClass("low", "Low", (221, 138, 190)),
)
REVIEW_COLOUR: Final[Colour] = (255, 45, 45)
#: Lighter than the blue of filled areas, since thin lines must show on dark woods.
RIGHT: Final = PolygonStyle("Mapped, and a mine is there", "#56b4e9")
WRONG: Final = PolygonStyle("Mapped, but no mine is there", css_colour(FALSE), filled=True)
FOUND: Final = PolygonStyle("Reference mine, found", "#ffffff")
OVERLOOKED: Final = PolygonStyle("Reference mine, missed", css_colour(MISSED), filled=True)
ASIDE: Final = PolygonStyle("Not scored: mostly outside, or no reference", "#b4bac2")
REVIEW: Final = PolygonStyle("To be reviewed", css_colour(REVIEW_COLOUR), filled=True)
#: More polygons on one picture hide the ground and make the page heavy.
MOST_POLYGONS: Final = 2_000
#: Pixels of the picture: smaller mines are drawn as rings of this size, and polygons are simplified to this tolerance.
_RING: Final = 5.0
_EXACT: Final = 0.3


def confidence_ranks(mines: pd.DataFrame) -> NDArray[np.int64]:
    """Index of the confidence of each mine in :data:`CONFIDENCE_CLASSES`, int64 (mines,); 0 is the highest."""
    order = {found.name: rank for rank, found in enumerate(CONFIDENCE_CLASSES)}
    return np.array([order[str(name)] for name in mines["confidence"]], dtype=np.int64)


def review_flags(mines: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the mines to review, boolean (mines,); none if the table has no column ``review``."""
    if "review" not in mines.columns:
        return np.zeros(len(mines), dtype=bool)
    return mines["review"].to_numpy(dtype=np.bool_)


def line_colours(mines: pd.DataFrame) -> list[Colour]:
    """Colour of each mine: of its confidence, or the one of mines to review."""
    pairs = zip(confidence_ranks(mines).tolist(), review_flags(mines).tolist(), strict=True)
    return [REVIEW_COLOUR if review else CONFIDENCE_CLASSES[rank].colour for rank, review in pairs]


def most_urgent(mines: pd.DataFrame) -> NDArray[np.int64]:
    """Order mines by urgency.

    Args:
        mines: With the columns ``confidence``, ``area_ha`` and, where permits are known, ``review``.

    Returns:
        Row numbers, int64 (mines,): mines to review first, then by confidence, then by area.
    """
    keys = (-mines["area_ha"].to_numpy(dtype=np.float64), confidence_ranks(mines), ~review_flags(mines))
    return np.lexsort(keys).astype(np.int64)


class DrawnMap(NamedTuple):
    """A scene in true colour, the same with polygons, their styles, and the number of polygons left out."""

    photograph: str
    drawing: Markup
    styles: tuple[PolygonStyle, ...]
    undrawn: int


def draw_map_picture(
    view: MapView, picture: MapPicture, objects: gpd.GeoDataFrame | None, stretch: Stretch
) -> DrawnMap:
    """Draw the mines of a map, and those of the reference, over the scene in muted colours.

    Args:
        view: The map.
        picture: The scene.
        objects: Objects of the scene, as :class:`~mining_the_mines.scoring.map_matching.MapComparison` has them;
            ``None`` without a reference.
        stretch: Shared with the scenes that it is compared with.

    Returns:
        The photograph as a data URI, and an ``<svg>`` with the :data:`MOST_POLYGONS` largest polygons.
    """
    height, width = picture.visible.shape[1:]
    kept, undrawn = _largest(_by_confidence(view) if objects is None else _by_verdict(view, objects))
    drawn = [(style, svg_path(geometry, ~picture.transform)) for style, geometry in kept if len(geometry)]
    photograph = hatched_true_colour(picture.visible, stretch)
    ground = inline_picture(tone_down(photograph).round().astype(np.uint8))
    halos = "".join(f'<path d="{path}"/>' for _, path in drawn)
    polygons = "".join(
        f'<g class="{"area" if style.filled else "line"}" style="--stroke: {style.css}"><path d="{path}"/></g>'
        for style, path in drawn
    )
    label = escape(f"Polygons of {len(view.mines)} mapped mines over {view.scene}")
    svg = (
        f'<svg class="map" role="img" aria-label="{label}" viewBox="0 0 {width} {height}">'
        f'<image href="{ground}" width="{width}" height="{height}"/><g class="halo">{halos}</g>{polygons}</svg>'
    )
    styles = tuple(style for style, _ in drawn)
    return DrawnMap(inline_picture(photograph), Markup(svg), styles, undrawn)  # noqa: S704 - escaped above


_Layers = list[tuple[PolygonStyle, NDArray[np.object_]]]


def _by_confidence(view: MapView) -> _Layers:
    """Polygons by confidence; the last ones lie on top: the highest confidence, then mines to review."""
    shapes, review, ranks = view.mines.geometry.to_numpy(), review_flags(view.mines), confidence_ranks(view.mines)
    layers = [
        (PolygonStyle(f"{found.title} confidence", css_colour(found.colour)), shapes[(ranks == rank) & ~review])
        for rank, found in reversed(list(enumerate(CONFIDENCE_CLASSES)))
    ]
    return [*layers, (REVIEW, shapes[review])]


def _by_verdict(view: MapView, objects: gpd.GeoDataFrame) -> _Layers:
    """Polygons by verdict; the last ones lie on top: errors."""
    mapped = objects["side"] == PREDICTION
    of_mines = objects[mapped].set_index("object").reindex(view.mines["id"])
    scored = of_mines["counted"].fillna(value=False).to_numpy(dtype=np.bool_)
    touched = of_mines["touched"].fillna(value=False).to_numpy(dtype=np.bool_)
    reference = objects[~mapped].to_crs(view.mines.crs)
    shapes, true = view.mines.geometry.to_numpy(), reference.geometry.to_numpy()
    found, counted = reference["touched"].to_numpy(dtype=np.bool_), reference["counted"].to_numpy(dtype=np.bool_)
    return [
        (ASIDE, np.concatenate([shapes[~scored], true[~counted]])),
        (FOUND, true[counted & found]),
        (RIGHT, shapes[scored & touched]),
        (OVERLOOKED, true[counted & ~found]),
        (WRONG, shapes[scored & ~touched]),
    ]


def _largest(layers: _Layers) -> tuple[_Layers, int]:
    areas = np.concatenate([np.empty(0), *(shapely.area(geometry) for _, geometry in layers)])
    if len(areas) <= MOST_POLYGONS:
        return layers, 0
    least = np.sort(areas)[-MOST_POLYGONS]
    kept = [(style, geometry[shapely.area(geometry) >= least]) for style, geometry in layers]
    return kept, len(areas) - sum(len(geometry) for _, geometry in kept)


def to_pixels(points: NDArray[np.float64], placed: Affine) -> NDArray[np.float64]:
    """Transform map coordinates (N, 2) to pixel columns and rows."""
    columns = placed.a * points[:, 0] + placed.b * points[:, 1] + placed.c
    return np.column_stack((columns, placed.d * points[:, 0] + placed.e * points[:, 1] + placed.f))


def svg_path(geometry: Iterable[shapely.Geometry], placed: Affine) -> str:
    """Write polygons as the commands of an SVG path.

    Args:
        geometry: Polygons and multipolygons in map coordinates.
        placed: From map coordinates to pixels of the picture.

    Returns:
        Commands in pixels; a polygon of less than five pixels is a ring of that size.
    """
    drawn = shapely.transform(np.asarray(geometry, dtype=np.object_), lambda points: to_pixels(points, placed))
    commands = []
    for shape in shapely.simplify(drawn, _EXACT):
        west, north, east, south = shapely.bounds(shape)
        if max(east - west, south - north) < _RING:
            half, arc = _RING / 2, f"a{_RING / 2:g} {_RING / 2:g} 0 1 0"
            column, row = (west + east) / 2, (north + south) / 2
            commands.append(f"M{column - half:.1f} {row:.1f}{arc} {_RING:g} 0{arc} {-_RING:g} 0Z")
            continue
        for ring in shapely.get_rings(shapely.get_parts(shape)):
            points = shapely.get_coordinates(ring)[:-1]
            commands.append("M" + "L".join(f"{column:.1f} {row:.1f}" for column, row in points) + "Z")
    return "".join(commands)
