"""The interactive map of mines: one HTML file that opens in any browser without a network."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.reporting.formatting import period, sight
from mining_the_mines.reporting.map_pictures import (
    CONFIDENCE_CLASSES,
    REVIEW_COLOUR,
    confidence_ranks,
    line_colours,
    most_urgent,
    review_flags,
)
from mining_the_mines.reporting.map_placing import (
    PlacedPicture,
    encode_extents,
    encode_polygons,
    encode_surroundings,
    middle_longitude,
    place_footprint,
    place_photograph,
    place_polygons,
    place_probability,
)
from mining_the_mines.reporting.map_quicklooks import ReadTrueColour, draw_thumbnail, surroundings_of
from mining_the_mines.reporting.pictures import Stretch, css_colour, stretch_for
from mining_the_mines.reporting.web_map import WebMapSettings, base_map, render_web_map

#: Columns of the polygons that the page shows, and their decimals; then columns of text.
_NUMBERS: Final = {
    "area_ha": 3,
    "mean_probability": 3,
    "max_probability": 3,
    "clear_dates": 1,
    "longitude": 5,
    "latitude": 5,
    "outside_concessions_ha": 3,
    "protected_ha": 3,
}
_TEXTS: Final = ("concession", "protected_area")


class InteractiveMapSettings(WebMapSettings):
    """Contents of the interactive map."""

    thumbnails: int = Field(
        300,
        ge=0,
        description="Most mines with a picture, about 10 kB each; the most urgent ones first.",
    )
    thumbnail_pixels: int = Field(240, ge=32, le=1024, description="Side of such a picture in pixels.")


@dataclass(frozen=True, eq=False)
class SceneLayer:
    """A scene of the interactive map.

    Attributes:
        scene: Name of the scene.
        model: Name of the model.
        model_version: Version of the model.
        grid: Grid of the scene at full resolution.
        mines: Finished polygons in the scene's CRS; with the columns of permits where those are known.
        visible: True colour of the whole scene at reduced resolution: reflectance of red, green and blue, float32
            (3, h, w), NaN where there are no data.
        mapped_share: Share of the scene that has data, 0–1.
        probability: Probability map of the whole scene at reduced resolution: float32 (h, w), NaN where there are no
            data; ``None`` for no such layer.
        first_date: Date of the first image, if known.
        last_date: Date of the last image, if known.
        lineage_id: Argument of ``kedro lineage`` that finds the map, if known.
        reference: Polygons of known mines, in any CRS.
        concessions: With the column ``name``, in any CRS.
        protected: Protected areas with the column ``name``, in any CRS.
        thumbnail: Reads the true colour around a mine; ``None`` for no thumbnails.
    """

    scene: str
    model: str
    model_version: str
    grid: ChipGrid
    mines: gpd.GeoDataFrame
    visible: NDArray[np.float32]
    mapped_share: float
    probability: NDArray[np.float32] | None = None
    first_date: date | None = None
    last_date: date | None = None
    lineage_id: str = ""
    reference: gpd.GeoDataFrame | None = None
    concessions: gpd.GeoDataFrame | None = None
    protected: gpd.GeoDataFrame | None = None
    thumbnail: ReadTrueColour | None = None


def draw_map(
    layers: Sequence[SceneLayer], settings: InteractiveMapSettings, title: str, verified: Sequence[str] = ()
) -> str:
    """Draw the map.

    ``#mine=<scene>/<id>`` at the end of its address opens that mine. A Content-Security-Policy allows the page's own
    scripts and styles by their hashes, pictures that it holds, and those of the tile server if there is one: whatever
    text the data contain, nothing else is run or fetched.

    Args:
        layers: One per scene; their names are unique.
        settings: Contents of the map.
        title: Of the page.
        verified: Sentences on verified areas.

    Returns:
        A whole HTML document with its script, style, pictures and polygons inside.

    Raises:
        BadInputError: If a scene's coordinate reference system can't be placed on the Earth.
    """
    content = {
        **base_map(settings),
        "title": title,
        "classes": [
            {"name": found.name, "title": found.title, "colour": css_colour(found.colour)}
            for found in CONFIDENCE_CLASSES
        ],
        "reviewColour": css_colour(REVIEW_COLOUR),
        "scenes": _scenes(layers, settings),
    }
    return render_web_map("map", title, {"data": content}, settings, verified=verified)


def _scenes(layers: Sequence[SceneLayer], settings: InteractiveMapSettings) -> list[dict[str, Any]]:
    side = settings.picture_side(2 * len(layers))
    stretches = [stretch_for([layer.visible]) for layer in layers]
    thumbnails = _thumbnails(layers, stretches, settings)
    return [
        _scene(layer, stretch, side) | {"thumbnails": pictures}
        for layer, stretch, pictures in zip(layers, stretches, thumbnails, strict=True)
    ]


def _scene(layer: SceneLayer, stretch: Stretch, side: int) -> dict[str, Any]:
    photograph = place_photograph(layer.visible, layer.grid, stretch, side)
    probability = None if layer.probability is None else place_probability(layer.probability, layer.grid, side)
    return {
        "name": layer.scene,
        "model": layer.model,
        "version": layer.model_version,
        "lineage": layer.lineage_id,
        "period": period(layer.first_date or layer.last_date, layer.last_date or layer.first_date) or None,
        "blank": not layer.mapped_share,
        "sight": sight(layer.mapped_share),
        "footprint": place_footprint(layer.grid),
        "photograph": _picture(photograph),
        "probability": probability and _picture(probability),
        "mines": _mines(layer),
        "reference": encode_surroundings(layer.reference, layer.grid),
        "concession": encode_surroundings(layer.concessions, layer.grid),
        "protected": encode_surroundings(layer.protected, layer.grid),
    }


def _picture(picture: PlacedPicture) -> dict[str, Any]:
    west, south, east, north = picture.bounds
    return {"uri": picture.uri, "bounds": [[south, west], [north, east]]}


def _mines(layer: SceneLayer) -> dict[str, Any]:
    """Columns of the mines, which take less space than rows; unknown columns are left out."""
    mines = layer.mines
    columns: dict[str, Any] = {"id": mines["id"].tolist(), "confidence": confidence_ranks(mines).tolist()}
    for name, digits in _NUMBERS.items():
        if name in mines.columns:
            values = mines[name].to_numpy(dtype=np.float64)
            columns[name] = [round(value, digits) if math.isfinite(value) else None for value in values.tolist()]
    for name in _TEXTS:
        if name in mines.columns:
            columns[name] = [str(text) if isinstance(text, str) and text else None for text in mines[name]]
    columns["touches_edge"] = mines["touches_edge"].to_numpy(dtype=np.bool_).tolist()
    if "review" in mines.columns:
        columns["review"] = review_flags(mines).tolist()
    placed = place_polygons(mines, middle_longitude(layer.grid))
    return {"columns": columns, "extents": encode_extents(placed), "polygons": encode_polygons(placed)}


def _thumbnails(
    layers: Sequence[SceneLayer], stretches: Sequence[Stretch], settings: InteractiveMapSettings
) -> list[dict[int, dict[str, Any]]]:
    """Draw the most urgent mines of all scenes, by scene and id."""
    pictures: list[dict[int, dict[str, Any]]] = [{} for _ in layers]
    columns = ["id", "confidence", "area_ha", "geometry"]
    # Objects, since geopandas does not join the coordinates of several UTM zones.
    tables = [
        layer.mines[columns].astype({"geometry": object}).assign(layer=number, review=review_flags(layer.mines))
        for number, layer in enumerate(layers)
        if layer.thumbnail
    ]
    empty = pd.DataFrame(columns=[*columns, "layer", "review"])
    mines = pd.concat(tables, ignore_index=True) if tables else empty
    chosen = mines.iloc[most_urgent(mines)].head(settings.thumbnails)
    drawn = zip(chosen["layer"], chosen["id"], chosen["geometry"], line_colours(chosen), strict=True)
    for number, mine, polygon, colour in drawn:
        layer, stretch = layers[number], stretches[number]
        box, metres = surroundings_of(polygon, layer.grid)
        visible = None if layer.thumbnail is None else layer.thumbnail(box)
        if visible is not None and np.isfinite(visible).any():
            uri = draw_thumbnail(visible, box, polygon, colour, stretch, settings.thumbnail_pixels)
            pictures[number][mine] = {"uri": uri, "metres": round(metres)}
    return pictures
