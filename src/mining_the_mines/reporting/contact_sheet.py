"""Several pictures on one sheet, each with a line below, as photographers lay out a film."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from mining_the_mines.reporting.overlay import Colour, enlarge

_GAP: Final = 8
_FONT_SIZE: Final = 13
_LINE: Final = 20
_PAPER: Final[Colour] = (255, 255, 255)
_INK: Final[Colour] = (27, 31, 36)
#: A palette as large as a byte makes the file a quarter as large, and the eye hardly sees it.
_COLOURS: Final = 256


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture of a sheet.

    Attributes:
        pixels: uint8 (H, W, 3), of any size.
        caption: The line below it.
    """

    pixels: NDArray[np.uint8]
    caption: str


def draw_contact_sheet(tiles: Sequence[Tile], side: int, columns: int, proportion: float | None = None) -> bytes:
    """Lay pictures out in rows.

    Args:
        tiles: At least one.
        side: Of the square that each is fitted into, in pixels; small pictures are enlarged without smoothing.
        columns: Pictures beside each other at most.
        proportion: Width of the sheet by its height, where a viewer would stretch it to that; paper is added.

    Returns:
        A PNG with a palette; the same bytes for the same pictures.
    """
    columns = min(columns, len(tiles))
    pictures = [Image.fromarray(enlarge(tile.pixels, side)) for tile in tiles]
    width, height = max(picture.width for picture in pictures), max(picture.height for picture in pictures) + _LINE
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * (width + _GAP) + _GAP, rows * (height + _GAP) + _GAP), _PAPER)
    drawing, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT_SIZE)
    for number, (tile, picture) in enumerate(zip(tiles, pictures, strict=True)):
        row, column = divmod(number, columns)
        left, top = _GAP + column * (width + _GAP), _GAP + row * (height + _GAP)
        sheet.paste(picture, (left, top))
        line = _fitting(tile.caption, drawing, font, width)
        drawing.text((left, top + height - _LINE // 2), line, fill=_INK, font=font, anchor="lm")
    if proportion is not None:
        size = (max(sheet.width, round(sheet.height * proportion)), max(sheet.height, round(sheet.width / proportion)))
        sheet = ImageOps.pad(sheet, size, color=_PAPER)
    buffer = io.BytesIO()
    sheet.quantize(_COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def spread(number: int, most: int) -> list[int]:
    """Choose some of many, evenly.

    Args:
        number: How many there are.
        most: How many are wanted.

    Returns:
        Positions from 0 on, in order; all of them if there are no more than wanted.
    """
    if number <= most:
        return list(range(number))
    return [position * number // most for position in range(most)]


def _fitting(
    text: str, drawing: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> str:
    """As much of a line as has room; the font lacks the thin space of our figures."""
    text = text.replace("\N{NARROW NO-BREAK SPACE}", " ")
    while text and drawing.textlength(text, font=font) > width:
        text = text.removesuffix("…")[:-1] + "…" if len(text) > 1 else ""
    return text
