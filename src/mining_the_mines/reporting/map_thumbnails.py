"""A closer look at each mine: true colour around it, with its outline."""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mining_the_mines.geo.grid import Box, ChipGrid
from mining_the_mines.reporting.overlay import Colour
from mining_the_mines.reporting.pictures import Stretch, inline_photograph, true_colour
from mining_the_mines.reporting.polygon_lines import draw_lines

#: Reads the true colour of a box in the scene's coordinates (left, bottom, right, top): reflectance of red, green and
#: blue, float32 (3, h, w) that covers just this box, NaN where there are no data; ``None`` if it can't be read.
ReadTrueColour = Callable[[Box], NDArray[np.float32] | None]

#: Metres; a small mine is shown with what lies around it.
_LEAST_SIDE: Final = 600.0
#: Side of the picture over that of the mine.
_MARGIN: Final = 1.6
#: On a sphere of the Earth's mean radius, 6371 km.
_METRES_A_DEGREE: Final = 111_195.0
_LINE: Final = 1


class Surroundings(NamedTuple):
    """What a thumbnail shows.

    Attributes:
        box: Left, bottom, right and top in the scene's coordinates.
        metres: Its side on the ground.
    """

    box: Box
    metres: float


def surroundings_of(mine: shapely.Geometry, grid: ChipGrid) -> Surroundings:
    """Choose what a thumbnail shows: a square on the ground around the mine's middle.

    Args:
        mine: Its polygon.
        grid: Of its scene, in the same coordinates.

    Returns:
        600 m or more a side.
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
    return Surroundings((x - beside, y - above, x + beside, y + above), metres)


def draw_thumbnail(
    visible: NDArray[np.float32], box: Box, mine: shapely.Geometry, colour: Colour, stretch: Stretch, side: int
) -> str:
    """Draw a mine's outline over its true colour.

    Args:
        visible: Reflectance of red, green and blue, float32 (3, h, w), NaN where there are no data.
        box: What it shows: left, bottom, right and top.
        mine: The polygon, in the same coordinates.
        colour: Of the line.
        stretch: Of the colours.
        side: Of the thumbnail in pixels; small readings are enlarged without smoothing, lest they look sharper than
            they are.

    Returns:
        A data URI of a square picture.
    """
    photograph = Image.fromarray(true_colour(visible, stretch))
    way = Image.Resampling.NEAREST if max(photograph.size) < side else Image.Resampling.LANCZOS
    image = photograph.resize((side, side), way)
    left, bottom, right, top = box
    placed = Affine((right - left) / side, 0, left, 0, (bottom - top) / side, top)
    draw_lines(ImageDraw.Draw(image), [mine], placed, colour, _LINE)
    return inline_photograph(np.asarray(image))
