"""Concessions and protected areas of simulated regions: where mining is allowed, and where it is not."""

import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.warp import transform as reproject
from shapely import MultiPolygon, Polygon
from shapely.affinity import affine_transform

from mining_the_mines.geo.grid import wgs84
from mining_the_mines.simulation.landscape import PIXEL, Landscape
from mining_the_mines.simulation.shapes import Position, blob, rectangle
from mining_the_mines.simulation.stac_catalog import write_features

#: Its name, and its outline in metres from the region's upper left corner, y to the south; valid.
NamedArea = tuple[str, Polygon]

#: Beside the outlines of the regions.
CONCESSIONS: Final = "concessions.geojson"
PROTECTED_AREAS: Final = "protected_areas.geojson"

#: Concessions of a region with a mine in them, and without.
_WORKED: Final = 3
_IDLE: Final = 2
#: Places that are tried for a concession.
_TRIALS: Final = 30
_HOLDERS: Final = (
    "Amber Creek", "Blue Heron", "Cedar Flat", "Distant Hill", "Echo Bend", "Fern Valley", "Golden Ford", "High Ridge",
    "Iron Gate", "Jasper", "Kestrel", "Long Meadow", "Morning Star", "Northern Cross", "Old Ferry", "Red Laterite",
)  # fmt: skip
_TRADES: Final = ("Gold", "Minerals", "Mining", "Quarries", "Resources")
_WILDS: Final = (
    "Blackwater", "Cloud Hills", "Deep Pools", "Eagle Cliffs", "Giant Otter", "Harpy", "Lower Rapids", "Macaw Island",
    "Quiet River", "Seven Springs", "Tall Palms", "Two Rivers", "Upper Falls", "Whispering Reeds", "White Sands",
)  # fmt: skip
_PROTECTIONS: Final = ("Forest Reserve", "National Park", "Nature Reserve", "Wildlife Sanctuary")


def plan_permits(landscape: Landscape, rng: np.random.Generator) -> dict[str, list[NamedArea]]:
    """Lay concessions and protected areas over a region.

    Args:
        landscape: The region; it stays as it is.
        rng: Random number generator of its own, so that the ground is the same with and without permits.

    Returns:
        By file name: :data:`CONCESSIONS` are five turned boxes, three laid around a mine, which may reach beyond their
        edge, and two as far from mines as there was room; :data:`PROTECTED_AREAS` are one or two areas around one or
        two mines each. Some mines lie in none, some in both kinds.
    """
    side = landscape.pixels * PIXEL
    mines = [landscape.mines[number].outline for number in rng.permutation(len(landscape.mines))]
    boxes: list[Polygon] = []
    for number in range(_WORKED + _IDLE):
        home = mines[number] if number < min(_WORKED, len(mines)) else None
        boxes.append(_lay_concession(home, mines, boxes, side, rng))
    holders = rng.choice(_HOLDERS, len(boxes), replace=False)
    concessions = [
        (f"{holder} {rng.choice(_TRADES)} {rng.integers(1000, 10_000)}", box)
        for holder, box in zip(holders, boxes, strict=True)
    ]
    left = mines[_WORKED:] or mines
    wilds = rng.choice(_WILDS, int(rng.integers(1, 3)), replace=False)
    protected = [
        (f"{wild} {rng.choice(_PROTECTIONS)}", _protect(left[number:], mines, side, rng))
        for number, wild in enumerate(wilds)
    ]
    return {CONCESSIONS: concessions, PROTECTED_AREAS: protected}


def write_permits(folder: Path, landscapes: Sequence[Landscape], seed: int) -> None:
    """Write the concessions and the protected areas of regions.

    Args:
        folder: Gets ``concessions.geojson`` and ``protected_areas.geojson`` (RFC 7946: degrees of WGS 84), with
            columns ``name`` and ``region``.
        landscapes: The regions. The areas of one do not depend on the others.
        seed: Seeds the areas.
    """
    files: dict[str, list[dict[str, object]]] = {CONCESSIONS: [], PROTECTED_AREAS: []}
    for landscape in landscapes:
        # A random stream of its own: the name separates it from the stream that lays out the region.
        stream = np.random.SeedSequence([seed, zlib.crc32(f"permits of {landscape.place.name}".encode())])
        for file, areas in plan_permits(landscape, np.random.default_rng(stream)).items():
            files[file] += [_feature(*area, landscape) for area in areas]
    for file, features in files.items():
        write_features(folder / file, features)


def _lay_concession(
    home: MultiPolygon | None,
    mines: Sequence[MultiPolygon],
    others: list[Polygon],
    side: float,
    rng: np.random.Generator,
) -> Polygon:
    """Lay a box about a mine's middle, or where there is least of any; clear of the other boxes as far as can be."""
    trials = []
    for _ in range(_TRIALS):
        length = side * float(rng.uniform(0.2, 0.36))
        size = (length, length * float(rng.uniform(0.6, 1)))
        middle = _within(side, 0.12, rng) if home is None else _near(home, length / 3, rng)
        box = rectangle(middle, *size, float(rng.uniform(-14, 14)))
        disturbed = 0.0 if home is not None else sum(box.intersection(mine).area for mine in mines)
        trials.append((disturbed + sum(box.intersection(other).area for other in others), box))
    return min(trials, key=lambda trial: trial[0])[1]


def _within(side: float, margin: float, rng: np.random.Generator) -> Position:
    east, south = rng.uniform(margin * side, (1 - margin) * side, 2)
    return float(east), float(south)


def _near(mine: MultiPolygon, distance: float, rng: np.random.Generator) -> Position:
    east, south = rng.uniform(-distance, distance, 2)
    return mine.centroid.x + float(east), mine.centroid.y + float(south)


def _protect(
    left: Sequence[MultiPolygon], mines: Sequence[MultiPolygon], side: float, rng: np.random.Generator
) -> Polygon:
    """Draw an area around a mine, and perhaps its nearest neighbour; anywhere where there is no mine."""
    if not left:
        return blob(_within(side, 0.25, rng), side * 0.12, rng)
    first = left[0]
    others = sorted((mine for mine in mines if mine is not first), key=first.distance)
    held = [first, *others[: int(rng.integers(0, 2))]]
    around = shapely.union_all(held).convex_hull.buffer(side * float(rng.uniform(0.015, 0.05)))
    return Polygon(shapely.get_coordinates(around.simplify(side * 0.002)))  # convex, so without holes


def _feature(name: str, area: Polygon, landscape: Landscape) -> dict[str, object]:
    to_map = [1, 0, 0, -1, landscape.transform.c, landscape.transform.f]
    outline = shapely.transform(affine_transform(area, to_map), partial(_to_degrees, landscape.crs))
    return {
        "type": "Feature",
        "properties": {"name": name, "region": landscape.place.name},
        "geometry": shapely.geometry.mapping(shapely.orient_polygons(outline)),
    }


def _to_degrees(crs: CRS, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Change to degrees of WGS 84, to a centimetre as in the other files of a region."""
    longitudes, latitudes = reproject(crs, wgs84(), points[:, 0].tolist(), points[:, 1].tolist())
    degrees: NDArray[np.float64] = np.column_stack((longitudes, latitudes)).round(7)
    return degrees
