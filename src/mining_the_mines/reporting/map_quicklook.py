"""A map of mines at a glance: one picture that any program shows."""

import io
from typing import Final

import geopandas as gpd
import numpy as np
from affine import Affine
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from rasterio.crs import CRS

from mining_the_mines.reporting.composite_pictures import photograph
from mining_the_mines.reporting.confidence import CONFIDENCE_CLASSES, REVIEW_COLOUR, confidence_ranks, review_flags
from mining_the_mines.reporting.formatting import count
from mining_the_mines.reporting.overlay import Colour, enlarge
from mining_the_mines.reporting.pictures import stretch_for
from mining_the_mines.reporting.polygon_lines import draw_lines

_LONGEST_SIDE: Final = 1200
#: Height of the legend below the picture, and its parts, in pixels.
_LEGEND: Final = 36
_SWATCH: Final = 16
_GAP: Final = 10
_FONT_SIZE: Final = 16
_PAPER: Final[Colour] = (255, 255, 255)
_INK: Final[Colour] = (27, 31, 36)
_LINE: Final = 2
_REVIEW_LINE: Final = 3


def draw_quicklook(visible: NDArray[np.float32], transform: Affine, crs: CRS | str, mines: gpd.GeoDataFrame) -> bytes:
    """Draw a scene in true colour with the outlines of its mines, and a legend below.

    Args:
        visible: Reflectance of red, green and blue, float32 (3, H, W), NaN where there are no data: the whole scene,
            read small.
        transform: From this picture's pixel (column, row) to map coordinates.
        crs: Coordinate reference system of the picture.
        mines: Finished polygons, with the columns ``confidence`` and, where permits are known, ``review``.

    Returns:
        A JPEG of at most 1200 pixels a side; the same bytes for the same input.
    """
    pixels = enlarge(photograph(visible, stretch_for([visible])), _LONGEST_SIDE - _LEGEND)
    image = Image.fromarray(pixels)
    placed = transform @ Affine.scale(visible.shape[2] / image.width, visible.shape[1] / image.height)
    _draw_mines(image, placed, mines if mines.crs == crs else mines.to_crs(crs))
    buffer = io.BytesIO()
    _with_legend(image, mines).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _draw_mines(image: Image.Image, placed: Affine, mines: gpd.GeoDataFrame) -> None:
    """Draw the least sure first, so that what matters lies on top."""
    drawing = ImageDraw.Draw(image)
    shapes, ranks, review = mines.geometry.to_numpy(), confidence_ranks(mines), review_flags(mines)
    for rank, found in reversed(list(enumerate(CONFIDENCE_CLASSES))):
        draw_lines(drawing, shapes[(ranks == rank) & ~review], placed, found.colour, _LINE)
    draw_lines(drawing, shapes[review], placed, REVIEW_COLOUR, _REVIEW_LINE)


def _with_legend(image: Image.Image, mines: gpd.GeoDataFrame) -> Image.Image:
    page = Image.new("RGB", (image.width, image.height + _LEGEND), _PAPER)
    page.paste(image)
    drawing = ImageDraw.Draw(page)
    font = ImageFont.load_default(_FONT_SIZE)
    right, middle = _GAP, image.height + _LEGEND // 2
    for colour, text in _entries(mines):
        if colour is not None:
            box = (right, middle - _SWATCH // 2, right + _SWATCH, middle + _SWATCH // 2)
            drawing.rectangle(box, fill=colour, outline=_INK)
            right += _SWATCH + _GAP // 2
        drawing.text((right, middle), text, fill=_INK, font=font, anchor="lm")
        right += int(drawing.textlength(text, font=font)) + 2 * _GAP
    return page


def _entries(mines: gpd.GeoDataFrame) -> list[tuple[Colour | None, str]]:
    """What the colours mean, with how many mines have each."""
    if mines.empty:
        return [(None, "No mine was found.")]
    ranks, review = confidence_ranks(mines), review_flags(mines)
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
