"""The ground that a map covers, in degrees."""

from typing import Final

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.affinity import translate

from mining_the_mines.geo.grid import Box, ChipGrid
from mining_the_mines.geo.mine_polygons import Coordinates, way_to_degrees

#: Pieces of an edge: of a scene of 110 km, straight edges between their ends stray some metres from the scene's own
#: (L² tan(latitude) / 8R).
_PIECES: Final = 8


def draw_footprint(grid: ChipGrid) -> Polygon | MultiPolygon:
    """Draw the outline of a grid as GeoJSON wants it (RFC 7946, sections 3.1.6 and 3.1.9).

    Args:
        grid: Where the map lies; no pole is in it.

    Returns:
        In degrees of WGS 84 with 7 digits, longitude first, counter-clockwise; in two parts if it lies across the
        antimeridian.

    Raises:
        ChipError: If the grid can't be placed on the Earth.
    """
    _, to_degrees = way_to_degrees(grid.crs.to_wkt(), "The grid of the map")
    degrees = to_degrees(_rim(grid))
    first = degrees[0, 0]
    degrees[:, 0] = first + (degrees[:, 0] - first + 180) % 360 - 180  # does not jump
    unbroken = Polygon(degrees)
    turns = (shapely.clip_by_rect(unbroken, west, -90, west + 360, 90) for west in (-540, -180, 180))
    parts = [
        Polygon(shapely.get_coordinates(translate(part, xoff=360 * turn)).round(7))
        for turn, part in zip((1, 0, -1), turns, strict=True)
        if part.area > 0
    ]
    oriented = [part if part.exterior.is_ccw else part.reverse() for part in parts]
    return oriented[0] if len(oriented) == 1 else MultiPolygon(oriented)


def footprint_box(footprint: Polygon | MultiPolygon) -> Box:
    """Find the box around a footprint.

    Args:
        footprint: As :func:`draw_footprint` gave it.

    Returns:
        West, south, east and north in degrees; across the antimeridian, west is greater than east (RFC 7946, section
        5.2).
    """
    west, south, east, north = footprint.bounds
    if isinstance(footprint, MultiPolygon):
        west, east = max(part.bounds[0] for part in footprint.geoms), min(part.bounds[2] for part in footprint.geoms)
    return west, south, east, north


def _rim(grid: ChipGrid) -> Coordinates:
    """Points along the grid's edges, in its own coordinates."""
    corners = [
        grid.transform @ corner for corner in ((0, grid.height), (grid.width, grid.height), (grid.width, 0), (0, 0))
    ]
    ends = np.roll(corners, -1, axis=0)
    rim: Coordinates = np.linspace(corners, ends, _PIECES, endpoint=False, axis=1).reshape(-1, 2)
    return rim
