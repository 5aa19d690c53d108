"""True and predicted outlines laid over a chip.

The colours are blue, vermillion and yellow of Okabe and Ito, *Color Universal Design* (2008): colour-blind people can
tell them apart, and so can everybody on a picture printed in grey, since they differ in lightness as well.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mining_the_mines.scoring.pixel_tally import MINE, UNKNOWN

Colour = tuple[int, int, int]


class Verdict(NamedTuple):
    """What a pixel is, and how it is drawn."""

    title: str
    explanation: str
    colour: Colour

    @property
    def css(self) -> str:
        """The colour as a page writes it."""
        return "#{:02x}{:02x}{:02x}".format(*self.colour)


HIT: Final = Verdict("Found", "mine, and outlined (true positive)", (0, 114, 178))
FALSE: Final = Verdict("Too much", "outlined, but no mine (false positive)", (213, 94, 0))
MISSED: Final = Verdict("Missed", "mine, but not outlined (false negative)", (240, 228, 66))
NOT_KNOWN: Final = Verdict("Unknown", "no data, not scored", (128, 128, 128))
VERDICTS: Final = (HIT, FALSE, MISSED)
#: The ground shows through the fill; rims are opaque, and so wide that they survive being shown at half the size.
_OPACITY = 0.42
_RIM = 3
#: Colours of the ground are toned down, lest brown earth pass for vermillion, and so is its contrast, lest yellow be
#: lost on bright soil and blue on dark woods.
_GREYING = 0.6
_DARKEST, _CONTRAST = 34, 0.6


def segmentation_overlay(
    photograph: NDArray[np.uint8], truth: NDArray[np.uint8], predicted: NDArray[np.bool_], longest_side: int
) -> NDArray[np.uint8]:
    """Fill what was found, missed and outlined too much, each with its rim, over a photograph in muted colours.

    Args:
        photograph: uint8 (H, W, 3).
        truth: uint8 (H, W): 0 background, 1 mine, 255 unknown.
        predicted: Called mine, boolean (H, W).
        longest_side: In pixels. Small chips are enlarged without smoothing, as often as it goes in, so that rims stay
            thin.

    Returns:
        uint8, of that size or a little smaller, in the same proportions.
    """
    ground = enlarge(photograph, longest_side)
    size = (ground.shape[1], ground.shape[0])
    true, unknown, called = (_resize(of, size) for of in (truth == MINE, truth == UNKNOWN, predicted))
    drawn = tone_down(ground)
    regions = ((HIT, true & called), (FALSE, called & ~true), (MISSED, true & ~called))
    for verdict, region in regions:
        known = region & ~unknown
        colour = np.array(verdict.colour, dtype=np.float64)
        drawn[known] = drawn[known] * (1 - _OPACITY) + colour * _OPACITY
        drawn[known & ~ndimage.binary_erosion(known, iterations=_RIM, border_value=1)] = colour
    drawn[unknown] = NOT_KNOWN.colour
    pixels: NDArray[np.uint8] = drawn.round().astype(np.uint8)
    return pixels


def tone_down(photograph: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mute a photograph's colours, so that what is drawn over it stands out.

    Args:
        photograph: uint8 (H, W, 3).

    Returns:
        float64 (H, W, 3) in 0–255.
    """
    grey = photograph.mean(axis=-1, keepdims=True)
    muted: NDArray[np.float64] = _DARKEST + _CONTRAST * (photograph * (1 - _GREYING) + grey * _GREYING)
    return muted


def enlarge(photograph: NDArray[np.uint8], longest_side: int) -> NDArray[np.uint8]:
    """Bring a photograph to the size in which it is shown.

    Args:
        photograph: uint8 (H, W, 3).
        longest_side: In pixels; a larger photograph is shrunk to it, each pixel of a smaller one is repeated.

    Returns:
        uint8, in the same proportions.
    """
    image = Image.fromarray(photograph)
    times = longest_side // max(image.size)
    if times > 1:
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    pixels: NDArray[np.uint8] = np.asarray(image)
    return pixels


def _resize(region: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Bring a region to the size of a picture, width first."""
    resized: NDArray[np.bool_] = np.asarray(Image.fromarray(region).resize(size, Image.Resampling.NEAREST))
    return resized
