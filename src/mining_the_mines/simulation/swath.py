"""What part of a region a pass sees, and how it is cut into granules."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mining_the_mines.simulation.landscape import COARSEST_PIXEL, PIXEL, Landscape
from mining_the_mines.simulation.passes import SwathEdge
from mining_the_mines.simulation.places import Place
from mining_the_mines.simulation.products import Granule
from mining_the_mines.simulation.tiling import mgrs_tile

#: Relative orbits of Sentinel-2 before its track repeats.
_ORBITS: Final = 143
#: Share of the region's edge on which two granules overlap; real ones do so by 10 km.
_OVERLAP: Final = 0.2


def seen(edge: SwathEdge, side: int) -> NDArray[np.bool_]:
    """Find out which pixels of a band lie within the swath.

    Args:
        edge: Of the swath.
        side: Pixels of the band along the region's edge.

    Returns:
        Those whose centres do, shape (side, side).
    """
    along = ((np.arange(side) + 0.5) / side - 0.5).astype(np.float32)
    azimuth = np.radians(edge.azimuth)
    east, north = along[None, :], -along[:, None]
    within: NDArray[np.bool_] = east * np.sin(azimuth) + north * np.cos(azimuth) < edge.distance
    return within


def granules_of(landscape: Landscape, split: bool) -> tuple[Granule, ...]:
    """Cut a region into granules.

    Args:
        landscape: The region.
        split: Whether two tiles meet in it.

    Returns:
        One granule with all of it; or two that overlap, the second in the tile to the east.
    """
    ground, place = landscape.transform, landscape.place
    tile = mgrs_tile(place.epsg, ground.c, ground.f, place.latitude)
    if not split:
        return (Granule(tile, 0, landscape.pixels),)
    step = int(COARSEST_PIXEL / PIXEL)
    coarse = landscape.pixels // step
    overlap = max(round(_OVERLAP * coarse), 1)
    start = (coarse - overlap) // 2
    east = mgrs_tile(place.epsg, ground.c + 100_000, ground.f, place.latitude)
    return Granule(tile, 0, (start + overlap) * step), Granule(east, start * step, landscape.pixels)


def relative_orbit(place: Place) -> int:
    """Name the relative orbit that passes over a place: made up, but always the same."""
    return int((180 - place.longitude) / 360 * _ORBITS) % _ORBITS + 1
