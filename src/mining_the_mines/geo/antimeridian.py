"""Polygons and boxes across the antimeridian, and longitudes up to 360 degrees."""

from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from shapely import affinity

from mining_the_mines.geo.degrees import wrap_longitude

Geometries = npt.NDArray[np.object_]
Boxes = npt.NDArray[np.float64]

_WORLD: Final = (-180.0, -90.0, 180.0, 90.0)


def cut_at_antimeridian(geometry: Geometries) -> Geometries:
    """Cut polygons at 180 degrees of longitude, and bring longitudes into the range from −180 to 180.

    An edge over more than half of the world is taken to go the short way, across the antimeridian.

    Args:
        geometry: Shapes in degrees, longitude first, ``None`` where there is none; their edges are short, or as drawn.

    Returns:
        The same, with those polygons cut in two that lie on both sides.
    """
    west, _, east, _ = shapely.bounds(geometry).T
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((east > 180) | (west < -180) | (east - west > 180))
    cut = geometry.copy()
    for row in rows:
        if np.isfinite(shapely.get_coordinates(geometry[row])).all():
            cut[row] = _inside(_unwrapped(geometry[row]))
    return cut


def split_boxes(boxes: Boxes) -> Boxes:
    """Split boxes whose west is greater than their east, which lie across the antimeridian.

    Args:
        boxes: West, south, east and north in degrees, float64 (boxes, 4).

    Returns:
        Boxes from −180 to 180 degrees, float64 (boxes or more, 4).
    """
    across = boxes[:, 0] > boxes[:, 2]
    west, east = boxes[across].copy(), boxes[across].copy()
    west[:, 2], east[:, 0] = 180.0, -180.0
    return np.concatenate([boxes[~across], west, east])


def near_meridian(points: npt.NDArray[np.float64], meridian: float) -> npt.NDArray[np.float64]:
    """Move points (points, 2) by whole turns to within 180 degrees of a meridian."""
    moved = points.copy()
    moved[:, 0] = meridian + wrap_longitude(points[:, 0] - meridian)
    return moved


def _unwrapped(shape: shapely.Geometry) -> shapely.Geometry:
    """The shape with rings that do not jump from one side of the world to the other."""
    parts = shapely.get_parts(shape)
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    if len(polygons) < len(parts):
        return shape
    turned = [_turned(polygon) for polygon in polygons]
    return turned[0] if len(turned) == 1 else shapely.MultiPolygon(turned)


def _turned(polygon: shapely.Polygon) -> shapely.Polygon:
    rings = [_without_jumps(np.asarray(ring.coords)[:, :2]) for ring in (polygon.exterior, *polygon.interiors)]
    middle = rings[0][:, 0].mean()
    holes = [near_meridian(ring, middle) if abs(ring[:, 0].mean() - middle) > 180 else ring for ring in rings[1:]]
    return shapely.Polygon(rings[0], holes)


def _without_jumps(ring: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    steps = np.diff(ring[:, 0])
    jumps = (np.abs(steps) > 180) & ~_goes_round(ring)
    turns = np.concatenate([[0.0], np.cumsum(np.where(jumps, -360 * np.sign(steps), 0.0))])
    return np.column_stack((ring[:, 0] + turns, ring[:, 1]))


def _goes_round(ring: npt.NDArray[np.float64]) -> bool:
    """Whether a ring is a box of the whole world, whose edges are exactly as long."""
    return bool((np.abs(np.diff(ring[:, 0])) == 360).any())


def _inside(shape: shapely.Geometry) -> shapely.Geometry:
    """The shape by parts within −180 and 180 degrees."""
    west, _, east, _ = shapely.bounds(shape)
    if west >= -180 and east <= 180:
        return shape
    if west >= 180 or east <= -180:
        return affinity.translate(shape, -360.0 * np.sign(west))
    whole = shape if shapely.is_valid(shape) else shapely.make_valid(shape, method="structure", keep_collapsed=False)
    turns = [affinity.translate(whole, turn) for turn in (-360.0, 0.0, 360.0)]
    united: shapely.Geometry = shapely.union_all(shapely.intersection(turns, shapely.box(*_WORLD)))
    return united
