"""Attributes of the polygons of a map."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from mining_the_mines.geo.mine_polygons import LON_LAT, transformation
from mining_the_mines.mapping.settings import ConfidenceSettings, Thresholds

HIGH: Final = "high"
MEDIUM: Final = "medium"
LOW: Final = "low"
#: Columns of mines and their types, in order; ``geometry`` comes last.
COLUMNS: Final = {
    "id": "int64",
    "area_ha": "float64",
    "mean_probability": "float64",
    "max_probability": "float64",
    "confidence": "str",
    "clear_dates": "float64",
    "first_date": "str",
    "last_date": "str",
    "model": "str",
    "model_version": "str",
    "scene": "str",
    "lineage_id": "str",
    "longitude": "float64",
    "latitude": "float64",
    "touches_edge": "bool",
    "novelty": "float64",
}


@dataclass(frozen=True)
class MapFacts:
    """Provenance of a map that each of its polygons carries.

    Attributes:
        scene: Name of the scene.
        model: Name of the model.
        model_version: Version of the model.
        first_date: First date of the scene's images; ``None`` if unknown.
        last_date: Last date of the scene's images; ``None`` if unknown.
        lineage_id: Argument of ``kedro lineage`` that finds the map, such as ``scene_maps:0123456789ab``; empty as long
            as it is unknown.
    """

    scene: str
    model: str
    model_version: str
    first_date: date | None = None
    last_date: date | None = None
    lineage_id: str = ""


#: The defaults.
USUAL_CONFIDENCE: Final = ConfidenceSettings()


def describe_mines(
    patches: gpd.GeoDataFrame,
    facts: MapFacts,
    thresholds: Thresholds,
    confidence: ConfidenceSettings = USUAL_CONFIDENCE,
) -> gpd.GeoDataFrame:
    """Add confidence, provenance and the place of the centroid to patches.

    Args:
        patches: Polygons of :func:`mining_the_mines.mapping.polygonize.polygonize`, with ``novelty`` if it is known.
        facts: Provenance of the map.
        thresholds: Thresholds that the patches were made with.
        confidence: Limits of the confidence classes.

    Returns:
        The mines in the same order and CRS, with the columns :data:`COLUMNS` and ``geometry``. Dates are written
        YYYY-MM-DD, missing if the scene's are unknown; longitude and latitude are those of the centroid in degrees of
        WGS 84.
    """
    centroids = shapely.get_coordinates(shapely.centroid(patches.geometry.to_numpy()))
    degrees = transformation(patches.crs.to_wkt(), LON_LAT)(centroids)
    mines = patches.assign(
        confidence=classify_confidence(patches, thresholds, confidence),
        first_date=None if facts.first_date is None else facts.first_date.isoformat(),
        last_date=None if facts.last_date is None else facts.last_date.isoformat(),
        model=facts.model,
        model_version=facts.model_version,
        scene=facts.scene,
        lineage_id=facts.lineage_id,
        longitude=degrees[:, 0],
        latitude=degrees[:, 1],
        novelty=patches.get("novelty", np.nan),
    )
    return mines[[*COLUMNS, "geometry"]].astype(COLUMNS)


def classify_confidence(
    patches: gpd.GeoDataFrame, thresholds: Thresholds, confidence: ConfidenceSettings = USUAL_CONFIDENCE
) -> npt.NDArray[np.str_]:
    """Classify mines by how far they can be relied on without a look at a picture.

    High: the mean probability is well above the threshold, the mine was seen on enough dates, and it is seen whole.
    Low: the mean barely reaches the threshold, on however many dates. Medium: all others.

    - The mean counts and not the maximum, since one bright roof reaches any maximum. It is judged by its position
      between the threshold and 1: at its threshold a model is as often wrong as right, whatever number that is.
      Filled holes, and a rim grown far below the seed, lower the mean, as they should.
    - The median over clear dates withstands one missed cloud or shadow from three dates on; with two they are averaged,
      and one date has nothing to compare with. So a mine seen on fewer dates is never high. It is not low for that:
      all mines of a map of a single date would be low, and the class would no longer tell the faint ones from the
      rest. Where the number of dates is unknown, as in a raster that somebody else made, it may be one.
    - A mine that touches the end of the raster or nodata may be the rim of something else, so it is never high; the
      visible part was seen as well as any other, so it is not low for that.

    Args:
        patches: With ``mean_probability``, ``clear_dates`` and ``touches_edge``.
        thresholds: Thresholds that the patches were made with.
        confidence: Limits of the classes.

    Returns:
        ``high``, ``medium`` or ``low`` for each patch.
    """
    mean, dates = patches["mean_probability"].to_numpy(), patches["clear_dates"].to_numpy()
    way = 1 - thresholds.grow
    sure = mean >= thresholds.grow + confidence.high_margin * way
    unsure = mean < thresholds.grow + confidence.low_margin * way
    enough = dates >= confidence.high_clear_dates  # false for NaN: an unknown number may be too small
    whole = ~patches["touches_edge"].to_numpy()
    return np.select([unsure, sure & enough & whole], [LOW, HIGH], MEDIUM)
