"""Outlines of things on the ground, in metres, x to the east and y to the south."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from shapely import LineString, Point, Polygon
from shapely.affinity import rotate, scale, translate
from shapely.geometry.base import BaseGeometry

Position = tuple[float, float]


def blob(
    centre: Position, radius: float, rng: np.random.Generator, roughness: float = 0.25, stretch: float = 1.0
) -> Polygon:
    """Draw a closed, irregular outline such as a pit's rim or a pond's shore.

    Args:
        centre: In metres.
        radius: Mean radius in metres.
        rng: Random number generator.
        roughness: Deviation of the outline relative to the radius.
        stretch: Length over width.

    Returns:
        A valid polygon in a random orientation.
    """
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    wander = np.zeros_like(angles)
    for order in range(2, 8):
        wander += rng.normal(0, 1 / order) * np.cos(order * angles + rng.uniform(0, 2 * np.pi))
    distances = radius * np.clip(1 + roughness * wander, 0.35, 1.9)
    outline = Polygon(np.column_stack([distances * np.cos(angles), distances * np.sin(angles)]))
    stretched = scale(outline, np.sqrt(stretch), 1 / np.sqrt(stretch), origin=(0, 0))
    return translate(rotate(stretched, rng.uniform(0, 360), origin=(0, 0)), *centre)


def rectangle(centre: Position, length: float, width: float, angle: float) -> Polygon:
    """Draw a rectangle.

    Args:
        centre: In metres.
        length: Metres along ``angle``.
        width: Metres across it.
        angle: Degrees.

    Returns:
        The rectangle.
    """
    x, y = length / 2, width / 2
    box = Polygon([(-x, -y), (x, -y), (x, y), (-x, y)])
    return translate(rotate(box, angle, origin=(0, 0)), *centre)


def winding_line(start: Position, end: Position, wander: float, rng: np.random.Generator) -> LineString:
    """Draw a line that reaches its end by midpoint displacement, as tracks and streams do.

    Args:
        start: In metres.
        end: In metres.
        wander: Sideways deviation relative to the distance, about 0.1 for a track.
        rng: Random number generator.

    Returns:
        The line.
    """
    points = np.array([start, end])
    for _ in range(5):
        middles = []
        for first, second in pairwise(points):
            along = second - first
            sideways = np.array([-along[1], along[0]])
            middles.append((first + second) / 2 + sideways * rng.normal(0, wander))
        merged = np.empty((len(points) + len(middles), 2))
        merged[0::2], merged[1::2] = points, np.array(middles)
        points = merged
    return LineString(points)


def meander(side: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a river's course across a square as a sine-generated curve.

    The curve whose direction is a sine of the distance along it is that of real meanders (Langbein and Leopold 1966,
    *USGS Professional Paper* 422-H).

    Args:
        side: Edge of the square in metres.
        rng: Random number generator.

    Returns:
        Points every 10 m, shape (n, 2); the course enters and leaves outside the square.
    """
    step = 10.0
    count = int(4 * side / step)
    along = np.arange(count) * step
    wavelength = rng.uniform(500, 1400)
    swing = np.radians(rng.uniform(25, 75))
    phase = 2 * np.pi * along / wavelength + np.cumsum(rng.normal(0, 0.06, count)) + rng.uniform(0, 6)
    direction = rng.uniform(0, 2 * np.pi) + swing * np.sin(phase) + np.cumsum(rng.normal(0, 0.008, count))
    course = np.column_stack([np.cumsum(np.cos(direction)), np.cumsum(np.sin(direction))]) * step
    through = rng.uniform(0.3, 0.7, 2) * side
    centred: NDArray[np.float64] = course - course[count // 2] + through
    return centred


def inner_bend(course: NDArray[np.float64], index: int) -> Position:
    """Find the unit vector from the river's course towards the inside of its bend, where sand bars lie.

    Args:
        course: As from :func:`meander`.
        index: Index of the point.

    Returns:
        The vector.
    """
    before, here, after = course[max(index - 12, 0)], course[index], course[min(index + 12, len(course) - 1)]
    inwards = (before + after) / 2 - here
    length = float(np.hypot(*inwards))
    if length < 1e-6:
        return (0.0, 1.0)
    return (float(inwards[0] / length), float(inwards[1] / length))


def random_point_in(outline: BaseGeometry, rng: np.random.Generator) -> Position:
    """Draw a point inside an outline.

    Args:
        outline: Any polygon.
        rng: Random number generator.

    Returns:
        A point of it.
    """
    left, top, right, bottom = outline.bounds
    for _ in range(40):
        x, y = float(rng.uniform(left, right)), float(rng.uniform(top, bottom))
        if outline.contains(Point(x, y)):
            return (x, y)
    inside = outline.representative_point()
    return (inside.x, inside.y)
