"""The place of a site: coordinates in degrees and UTM, and the named areas that it lies in."""

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mining_the_mines.geo.mine_polygons import LON_LAT, Coordinates, transformation
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.geo.overlaps import cut_out, project_mines

#: Coordinates of an outline that a page shows, and rings that they are enough for; the archive has all.
_SHOWN: Final = 26
_RINGS: Final = 5
#: Metres of the first tolerance by which an outline with more vertices is simplified; it doubles until they fit.
_TOLERANCE: Final = 5.0


@dataclass(frozen=True, eq=False)
class Place:
    """Coordinates of a site's outline.

    Attributes:
        utm: Name of the UTM zone, such as ``WGS 84 / UTM zone 21S``.
        centroid: A row with ``longitude``, ``latitude``, ``easting``, ``northing``.
        vertices: All vertices: ``part``, ``ring``, ``vertex`` (all from 1) and the same coordinates.
        shown: Vertices that a page shows.
        tolerance: Metres by which the shown outline is simplified; 0 if it is not.
        hull: Whether the convex hull is shown, since the outline has many parts or holes.
    """

    utm: str
    centroid: pd.DataFrame
    vertices: pd.DataFrame
    shown: pd.DataFrame
    tolerance: float
    hull: bool


def locate(outline: shapely.Geometry) -> Place:
    """Find the coordinates of an outline.

    Args:
        outline: Polygon or multipolygon in degrees of WGS 84.
    """
    crs = gpd.GeoSeries([outline], crs=LON_LAT).estimate_utm_crs()
    to_utm, to_degrees = transformation(LON_LAT, crs.to_wkt()), transformation(crs.to_wkt(), LON_LAT)
    flat = shapely.transform(outline, to_utm)
    middle = shapely.transform(shapely.centroid(flat), to_degrees)
    hull = len(shapely.get_rings(shapely.get_parts(flat))) > _RINGS
    whole = shapely.convex_hull(flat) if hull else flat
    shown, tolerance = whole, 0.0
    while shapely.get_num_coordinates(shown) > _SHOWN and tolerance < np.ptp(shapely.get_coordinates(flat)):
        tolerance = max(_TOLERANCE, 2 * tolerance)
        shown = shapely.simplify(whole, tolerance)
    return Place(
        utm=str(crs.name),
        centroid=_coordinates(shapely.get_coordinates(middle), to_utm(shapely.get_coordinates(middle))),
        vertices=_vertices(outline, flat),
        shown=_vertices(shapely.transform(shown, to_degrees), shown),
        tolerance=tolerance,
        hull=hull,
    )


def hit_areas(outline: shapely.Geometry, areas: NamedAreas) -> pd.DataFrame:
    """Find the named areas that an outline lies in.

    Args:
        outline: In degrees of WGS 84.
        areas: The areas.

    Returns:
        ``name`` and ``hectares`` of the outline inside; the largest part first.
    """
    overlaps = cut_out(project_mines(gpd.GeoDataFrame(geometry=[outline], crs=LON_LAT)), areas)
    return pd.DataFrame({"name": overlaps.name, "hectares": overlaps.hectares})


def _coordinates(degrees: Coordinates, metres: Coordinates) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "longitude": degrees[:, 0].round(6),
            "latitude": degrees[:, 1].round(6),
            "easting": metres[:, 0].round(1),
            "northing": metres[:, 1].round(1),
        }
    )


def _vertices(degrees: shapely.Geometry, metres: shapely.Geometry) -> pd.DataFrame:
    """One row per vertex; the last one of a ring, which is the first, is left out."""
    tables = []
    for part, (own, flat) in enumerate(zip(shapely.get_parts(degrees), shapely.get_parts(metres), strict=True), 1):
        rings = zip(shapely.get_rings(own), shapely.get_rings(flat), strict=True)
        for ring, (own_ring, flat_ring) in enumerate(rings, 1):
            table = _coordinates(shapely.get_coordinates(own_ring)[:-1], shapely.get_coordinates(flat_ring)[:-1])
            table.insert(0, "vertex", range(1, len(table) + 1))
            table.insert(0, "ring", ring)
            table.insert(0, "part", part)
            tables.append(table)
    return pd.concat(tables, ignore_index=True)
