"""Pictures of composites: true colour, and a map of how many clear dates stand behind each pixel.

The map's colours are those of viridis, whose lightness rises steadily, so that colour-blind people can read it (S. van
der Walt and N. Smith, 2015). What has no data is hatched, which no colour of ground or map looks like.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from mining_the_mines.reporting.pictures import Stretch, true_colour

#: Classes of a map; more can't be told apart.
_MOST_CLASSES: Final = 6
_COLOURS: Final = "viridis"
#: Two greys in stripes as wide as this many pixels.
_STRIPES: Final = (118, 170)
_STRIPE_WIDTH: Final = 4
#: The same stripes as a page draws them.
HATCHED: Final = "repeating-linear-gradient(135deg, #767676 0 3px, #aaaaaa 3px 6px)"


class CountClass(NamedTuple):
    """Numbers of clear dates that share a colour."""

    low: int
    high: int
    colour: tuple[int, int, int]

    @property
    def title(self) -> str:
        """The numbers, for a legend."""
        numbers = f"{self.low}" if self.low == self.high else f"{self.low}\N{EN DASH}{self.high}"
        return f"{numbers} clear date{'' if self.high == 1 else 's'}"

    @property
    def css(self) -> str:
        """The colour as a page writes it."""
        return "#{:02x}{:02x}{:02x}".format(*self.colour)


def count_classes(most: int) -> tuple[CountClass, ...]:
    """Divide the numbers of clear dates into few classes of equal width.

    Args:
        most: Largest number.

    Returns:
        Classes from 1 to the largest number; none if that is 0.
    """
    width = max(1, -(-most // _MOST_CLASSES))
    lows = range(1, most + 1, width)
    shades = mpl.colormaps[_COLOURS](np.linspace(0.0, 0.98, max(2, len(lows))))[:, :3] * 255
    return tuple(
        CountClass(low, min(low + width - 1, most), (int(red), int(green), int(blue)))
        for low, (red, green, blue) in zip(lows, shades[-len(lows) :], strict=False)
    )


def photograph(visible: NDArray[np.float32], stretch: Stretch) -> NDArray[np.uint8]:
    """Show a composite in true colour.

    Args:
        visible: Reflectance of red, green and blue, float32 (3, H, W), NaN where there are no data.
        stretch: Shared with the composites that it is compared with.

    Returns:
        uint8 (H, W, 3), hatched where a band has no data.
    """
    return _hatch(true_colour(visible, stretch), np.asarray(np.isnan(visible).any(axis=0)))


def clear_date_map(clear_dates: NDArray[np.uint16], classes: Sequence[CountClass]) -> NDArray[np.uint8]:
    """Draw numbers of clear dates in the colours of their classes.

    Args:
        clear_dates: uint16 (H, W).
        classes: As :func:`count_classes` made them for the largest number of all maps.

    Returns:
        uint8 (H, W, 3), hatched where there is none.
    """
    colours = np.zeros((max((found.high for found in classes), default=0) + 1, 3), dtype=np.uint8)
    for found in classes:
        colours[found.low : found.high + 1] = found.colour
    return _hatch(colours[clear_dates], clear_dates == 0)


def _hatch(pixels: NDArray[np.uint8], where: NDArray[np.bool_]) -> NDArray[np.uint8]:
    rows, columns = np.indices(where.shape)
    stripes = np.array(_STRIPES, dtype=np.uint8)[(rows + columns) // _STRIPE_WIDTH % 2]
    return np.where(where[..., np.newaxis], stripes[..., np.newaxis], pixels)
