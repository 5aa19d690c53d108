"""What a map says of each mine."""

from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from mining_the_mines.geo.mine_polygons import LON_LAT, transformation
from mining_the_mines.mapping.map_facts import MapFacts
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
    "origin": "str",
    "longitude": "float64",
    "latitude": "float64",
    "touches_edge": "bool",
}


#: As the fields say.
USUAL_CONFIDENCE: Final = ConfidenceSettings()


def describe_mines(
    patches: gpd.GeoDataFrame,
    facts: MapFacts,
    thresholds: Thresholds,
    confidence: ConfidenceSettings = USUAL_CONFIDENCE,
) -> gpd.GeoDataFrame:
    """Say of each patch what whoever opens the map wants to know.

    Args:
        patches: As :func:`mining_the_mines.mapping.polygonize.polygonize` gives them.
        facts: What holds for the whole map.
        thresholds: The ones that the patches were made with.
        confidence: How sure the map may be.

    Returns:
        The mines, in the same order and CRS, with the columns :data:`COLUMNS` and ``geometry``. Dates are written
        YYYY-MM-DD, missing if the scene doesn't say; longitude and latitude are those of the centroid, in degrees of
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
        origin=facts.origin,
        longitude=degrees[:, 0],
        latitude=degrees[:, 1],
    )
    return mines[[*COLUMNS, "geometry"]].astype(COLUMNS)


def classify_confidence(
    patches: gpd.GeoDataFrame, thresholds: Thresholds, confidence: ConfidenceSettings = USUAL_CONFIDENCE
) -> npt.NDArray[np.str_]:
    """Sort mines by how far they can be relied on without a look at a picture.

    High is a mine whose mean probability is well above the threshold, that was seen on dates enough, and that is seen
    whole. Low is one that barely reaches the threshold on average, however often it was seen. All others are medium.

    - The mean counts and not the maximum, since one bright roof reaches any maximum. It is judged by its way from the
      threshold to 1: a threshold is where a model is as often wrong as right about a pixel, whatever number that is.
      Holes that were filled, and a rim grown far below the seed, lower it, as they should.
    - The median over clear dates withstands one missed cloud or shadow from three dates on; with two they are averaged,
      and with one there is nothing to hold against it, so that a mine seen on fewer dates is never high. But it isn't
      low for that: all mines of a map of a single date would be, and the class would no longer tell the faint ones from
      the rest. Where nobody counted, dates are left out of the rule.
    - What touches the end of the raster or nodata may be the rim of something else, so that it is never high; but what
      is there was seen as well as anything, so that it isn't low for that alone.

    Args:
        patches: With ``mean_probability``, ``clear_dates`` and ``touches_edge``.
        thresholds: The ones that the patches were made with.
        confidence: Where the classes begin.

    Returns:
        ``high``, ``medium`` or ``low`` for each.
    """
    mean, dates = patches["mean_probability"].to_numpy(), patches["clear_dates"].to_numpy()
    way = 1 - thresholds.grow
    sure = mean >= thresholds.grow + confidence.high_margin * way
    unsure = mean < thresholds.grow + confidence.low_margin * way
    # Comparisons with NaN are false: what nobody counted is not too little.
    few = dates < confidence.high_clear_dates
    whole = ~patches["touches_edge"].to_numpy()
    return np.select([unsure, sure & ~few & whole], [LOW, HIGH], MEDIUM)
