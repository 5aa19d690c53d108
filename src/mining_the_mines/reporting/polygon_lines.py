"""Outlines of polygons drawn into pictures, with a dark rim so that they show on any ground."""

from collections.abc import Iterable

import numpy as np
import shapely
from affine import Affine
from PIL import ImageDraw

from mining_the_mines.reporting.overlay import Colour

_RIM: Colour = (20, 20, 20)


def draw_lines(
    drawing: ImageDraw.ImageDraw, shapes: Iterable[shapely.Geometry], placed: Affine, colour: Colour, width: int
) -> None:
    """Draw the rings of polygons, holes included.

    Args:
        drawing: What is drawn into.
        shapes: Polygons and multipolygons in map coordinates.
        placed: From the picture's pixel (column, row) to map coordinates; (0, 0) is the outer corner of the first one.
        colour: Of the line.
        width: Of the line in pixels, without its rim of one pixel on each side.
    """
    to_pixels = ~placed
    rings = [ring for shape in shapes for ring in shapely.get_rings(shapely.get_parts(shape))]
    paths = [_path(np.asarray(shapely.get_coordinates(ring)), to_pixels) for ring in rings]
    for outline, thickness in ((_RIM, width + 2), (colour, width)):
        for path in paths:
            drawing.line(path, fill=outline, width=thickness, joint="curve")


def _path(ring: np.ndarray[tuple[int, ...], np.dtype[np.float64]], to_pixels: Affine) -> list[tuple[float, float]]:
    columns = to_pixels.a * ring[:, 0] + to_pixels.b * ring[:, 1] + to_pixels.c
    rows = to_pixels.d * ring[:, 0] + to_pixels.e * ring[:, 1] + to_pixels.f
    # PIL draws between centres of pixels, which lie half a pixel beyond their outer corners.
    return list(zip((columns - 0.5).tolist(), (rows - 0.5).tolist(), strict=True))
