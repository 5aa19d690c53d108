"""Rasters of maps: the quicklook of a scene with its mines, and the thumbnail of a mine."""

import io
import math
from collections.abc import Callable, Iterable
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from rasterio.crs import CRS

from mining_the_mines.geo.grid import Box, ChipGrid
from mining_the_mines.reporting.formatting import count
from mining_the_mines.reporting.map_pictures import (
    CONFIDENCE_CLASSES,
    REVIEW_COLOUR,
    confidence_ranks,
    review_flags,
    to_pixels,
)
from mining_the_mines.reporting.pictures import (
    Colour,
    Stretch,
    enlarge,
    hatched_true_colour,
    inline_picture,
    stretch_for,
    true_colour,
)

#: Reads the true colour of a box in the scene's coordinates (left, bottom, right, top): reflectance of red, green and
#: blue, float32 (3, h, w) of exactly this box, NaN where there are no data; ``None`` if it can't be read.
ReadTrueColour = Callable[[Box], NDArray[np.float32] | None]

#: Layout of a quicklook in pixels.
_QUICKLOOK_SIDE: Final = 1200
_LEGEND, _SWATCH, _GAP, _FONT_SIZE = 36, 16, 10, 16
_PAPER: Final[Colour] = (255, 255, 255)
_INK: Final[Colour] = (27, 31, 36)
_LINE, _REVIEW_LINE = 2, 3
_LINE_RIM: Final[Colour] = (20, 20, 20)

#: Least side of a thumbnail in metres, which shows the surroundings of a small mine.
_LEAST_SIDE: Final = 600.0
#: Side of a thumbnail over that of its mine.
_MARGIN: Final = 1.6
#: On a sphere of the Earth's mean radius, 6371 km.
_METRES_A_DEGREE: Final = 111_195.0


def _draw_lines(
    drawing: ImageDraw.ImageDraw, shapes: Iterable[shapely.Geometry], placed: Affine, colour: Colour, width: int
) -> None:
    """Draw the rings of polygons into a picture, with a dark rim of one pixel on both sides.

    Args:
        drawing: The picture.
        shapes: Polygons and multipolygons in map coordinates.
        placed: From the picture's pixel (column, row) to map coordinates; (0, 0) is the outer corner of the first one.
        colour: Of the line.
        width: Of the line in pixels, without its rim.
    """
    rings = [ring for shape in shapes for ring in shapely.get_rings(shapely.get_parts(shape))]
    # PIL draws between centres of pixels, which lie half a pixel beyond their outer corners.
    pixels = [to_pixels(shapely.get_coordinates(ring), ~placed) - 0.5 for ring in rings]
    paths = [[(float(column), float(row)) for column, row in points] for points in pixels]
    for paint, thickness in ((_LINE_RIM, width + 2), (colour, width)):
        for path in paths:
            drawing.line(path, fill=paint, width=thickness, joint="curve")


def draw_quicklook(visible: NDArray[np.float32], transform: Affine, crs: CRS | str, mines: gpd.GeoDataFrame) -> bytes:
    """Draw a scene in true colour with the polygons of its mines and a legend below.

    Args:
        visible: Reflectance of red, green and blue, float32 (3, H, W), NaN where there are no data: the whole scene at
            reduced resolution.
        transform: From this picture's pixel (column, row) to map coordinates.
        crs: Coordinate reference system of the picture.
        mines: Finished polygons, with the columns ``confidence`` and, where permits are known, ``review``.

    Returns:
        A JPEG of at most 1200 pixels on its longest side; the same bytes for the same input.
    """
    pixels = enlarge(hatched_true_colour(visible, stretch_for([visible])), _QUICKLOOK_SIDE - _LEGEND)
    image = Image.fromarray(pixels)
    placed = transform @ Affine.scale(visible.shape[2] / image.width, visible.shape[1] / image.height)
    drawing = ImageDraw.Draw(image)
    shapes = (mines if mines.crs == crs else mines.to_crs(crs)).geometry.to_numpy()
    ranks, review = confidence_ranks(mines), review_flags(mines)
    for rank, found in reversed(list(enumerate(CONFIDENCE_CLASSES))):
        _draw_lines(drawing, shapes[(ranks == rank) & ~review], placed, found.colour, _LINE)
    _draw_lines(drawing, shapes[review], placed, REVIEW_COLOUR, _REVIEW_LINE)
    buffer = io.BytesIO()
    _with_legend(image, mines).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _with_legend(image: Image.Image, mines: gpd.GeoDataFrame) -> Image.Image:
    page = Image.new("RGB", (image.width, image.height + _LEGEND), _PAPER)
    page.paste(image)
    drawing, font = ImageDraw.Draw(page), ImageFont.load_default(_FONT_SIZE)
    right, middle = _GAP, image.height + _LEGEND // 2
    for colour, text in _legend_entries(mines):
        if colour is not None:
            box = (right, middle - _SWATCH // 2, right + _SWATCH, middle + _SWATCH // 2)
            drawing.rectangle(box, fill=colour, outline=_INK)
            right += _SWATCH + _GAP // 2
        drawing.text((right, middle), text, fill=_INK, font=font, anchor="lm")
        right += int(drawing.textlength(text, font=font)) + 2 * _GAP
    return page


def _legend_entries(mines: gpd.GeoDataFrame) -> list[tuple[Colour | None, str]]:
    """Colours of a quicklook and the numbers of their mines."""
    if mines.empty:
        return [(None, "No mine was found.")]
    ranks, review = confidence_ranks(mines), review_flags(mines)
    # PIL's default font lacks the narrow space.
    entries: list[tuple[Colour | None, str]] = [
        (None, count(len(mines), "mine").replace("\N{NARROW NO-BREAK SPACE}", " "))
    ]
    if review.any():
        entries.append((REVIEW_COLOUR, f"to be reviewed: {review.sum()}"))
    for rank, found in enumerate(CONFIDENCE_CLASSES):
        number = int(((ranks == rank) & ~review).sum())
        if number:
            entries.append((found.colour, f"{found.name} confidence: {number}"))
    return entries


def surroundings_of(mine: shapely.Geometry, grid: ChipGrid) -> tuple[Box, float]:
    """Choose the extent of a thumbnail: a square on the ground around the centre of a mine.

    Args:
        mine: Its polygon.
        grid: Of its scene, in the same coordinates.

    Returns:
        Left, bottom, right and top in the scene's coordinates, and the side in metres, at least 600.
    """
    left, bottom, right, top = shapely.bounds(mine).tolist()
    if grid.crs.is_geographic:
        across = _METRES_A_DEGREE * max(0.01, math.cos(math.radians((bottom + top) / 2)))
        along = _METRES_A_DEGREE
    else:
        across = along = float(grid.crs.linear_units_factor[1])
    metres = max(_LEAST_SIDE, _MARGIN * (right - left) * across, _MARGIN * (top - bottom) * along)
    x, y = (left + right) / 2, (bottom + top) / 2
    beside, above = metres / 2 / across, metres / 2 / along
    return (x - beside, y - above, x + beside, y + above), metres


def draw_thumbnail(
    visible: NDArray[np.float32], box: Box, mine: shapely.Geometry, colour: Colour, stretch: Stretch, side: int
) -> str:
    """Draw the polygon of a mine over its true colour, as a data URI; see :func:`draw_surroundings`."""
    return inline_picture(np.asarray(draw_surroundings(visible, box, mine, colour, stretch, side)))


def draw_surroundings(
    visible: NDArray[np.float32], box: Box, mine: shapely.Geometry, colour: Colour, stretch: Stretch, side: int
) -> Image.Image:
    """Draw the polygon of a mine over its true colour.

    Args:
        visible: Reflectance of red, green and blue, float32 (3, h, w), NaN where there are no data.
        box: Extent of the picture: left, bottom, right and top.
        mine: The polygon, in the same coordinates.
        colour: Of the line.
        stretch: Of the colours.
        side: Of the picture in pixels; small pictures are enlarged without smoothing.

    Returns:
        A square picture.
    """
    photograph = Image.fromarray(true_colour(visible, stretch))
    method = Image.Resampling.NEAREST if max(photograph.size) < side else Image.Resampling.LANCZOS
    image = photograph.resize((side, side), method)
    left, bottom, right, top = box
    placed = Affine((right - left) / side, 0, left, 0, (bottom - top) / side, top)
    _draw_lines(ImageDraw.Draw(image), [mine], placed, colour, 1)
    return image
