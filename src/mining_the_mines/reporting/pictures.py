"""Pictures of chips and composites: true colour, attention, fit of a segmentation, clear dates.

Truth and prediction are drawn in blue, vermillion and yellow of Okabe and Ito, *Color Universal Design* (2008), which
colour-blind people can tell apart and which differ in lightness. Attention and numbers of clear dates are drawn in
colour maps of steadily rising lightness (S. van der Walt and N. Smith, 2015).
"""

import base64
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mining_the_mines.scoring.segmentation import MINE, UNKNOWN

Colour = tuple[int, int, int]

#: Smaller pictures are shown with sharp pixels, since smoothing would pretend detail.
PIXELATED_BELOW: Final = 200
#: Colour map of attention and of probabilities.
ATTENTION_COLOURS: Final = "inferno"
#: Pattern of pixels without data, in CSS.
HATCHED: Final = "repeating-linear-gradient(135deg, #767676 0 3px, #aaaaaa 3px 6px)"
#: Narrowest span of reflectance that is stretched to full contrast; less would make dark woods glow.
_LEAST_SPAN: Final = 0.12
_NODATA_GREY: Final = 128
_ATTENTION_OPACITY: Final = 0.6
#: Opacity of the fill of a region, and width of its opaque rim in pixels.
_FILL_OPACITY: Final = 0.42
_RIM: Final = 3
#: The ground under a segmentation is muted, so that brown earth is not taken for vermillion and bright soil not for
#: yellow.
_GREYING: Final = 0.6
_DARKEST, _CONTRAST = 34, 0.6
#: Greys of the hatching and width of its stripes in pixels.
_STRIPES: Final = (118, 170)
_STRIPE_WIDTH: Final = 4
#: Most classes of a map of clear dates that readers can tell apart.
_MOST_CLASSES: Final = 6
_COUNT_COLOURS: Final = "viridis"


class LegendEntry(NamedTuple):
    """A colour of a legend and its meaning."""

    title: str
    css: str
    explanation: str = ""


class Stretch(NamedTuple):
    """Reflectance that is drawn black, and the span up to white."""

    low: float
    span: float


def css_colour(colour: Colour) -> str:
    """Write a colour in CSS."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


#: Colours of true positive, false positive and false negative pixels, and of unknown ones.
HIT: Final[Colour] = (0, 114, 178)
FALSE: Final[Colour] = (213, 94, 0)
MISSED: Final[Colour] = (240, 228, 66)
NOT_KNOWN: Final[Colour] = (128, 128, 128)
FIT_LEGEND: Final = (
    LegendEntry("Found", css_colour(HIT), "mine, and predicted (true positive)"),
    LegendEntry("Too much", css_colour(FALSE), "predicted, but no mine (false positive)"),
    LegendEntry("Missed", css_colour(MISSED), "mine, but not predicted (false negative)"),
)
UNKNOWN_ENTRY: Final = LegendEntry("Unknown", css_colour(NOT_KNOWN), "no data, not scored")


def stretch_for(reflectances: Iterable[NDArray[np.float32]]) -> Stretch:
    """Find one stretch for several pictures, so that they can be compared.

    Args:
        reflectances: Red, green, blue as float (3, H, W), NaN for nodata.

    Returns:
        From the 2nd to the 98th percentile of all bands of all pictures, which keeps the hues.
    """
    values = np.concatenate(
        [np.empty(0, np.float32), *(reflectance[np.isfinite(reflectance)] for reflectance in reflectances)]
    )
    if not values.size:
        return Stretch(0.0, _LEAST_SPAN)
    low, high = np.percentile(values, (2, 98))
    return Stretch(float(low), max(float(high - low), _LEAST_SPAN))


def true_colour(reflectance: NDArray[np.float32], stretch: Stretch | None = None) -> NDArray[np.uint8]:
    """Stretch red, green and blue to the range of a screen.

    Args:
        reflectance: Red, green, blue as float (3, H, W), NaN for nodata.
        stretch: By default the picture's own, see :func:`stretch_for`.

    Returns:
        uint8 (H, W, 3); nodata is mid-grey.
    """
    valid = np.isfinite(reflectance)
    low, span = stretch or stretch_for([reflectance])
    shown = np.where(valid, np.clip((reflectance - low) / span, 0, 1) * 255, _NODATA_GREY)
    pixels: NDArray[np.uint8] = np.moveaxis(shown, 0, -1).round().astype(np.uint8)
    return pixels


def hatched_true_colour(visible: NDArray[np.float32], stretch: Stretch) -> NDArray[np.uint8]:
    """Stretch a scene or composite to true colour.

    Args:
        visible: Reflectance of red, green and blue, float32 (3, H, W), NaN where there are no data.
        stretch: Shared with the pictures that it is compared with.

    Returns:
        uint8 (H, W, 3), hatched where a band has no data.
    """
    return _hatch(true_colour(visible, stretch), np.asarray(np.isnan(visible).any(axis=0)))


def attention_overlay(photograph: NDArray[np.uint8], attention: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Lay attention over a photograph: the more, the brighter and the less transparent.

    Args:
        photograph: uint8 (H, W, 3).
        attention: Non-negative weights (h, w) of any size and scale; NaN counts as 0.

    Returns:
        uint8 (H, W, 3).
    """
    height, width = photograph.shape[:2]
    weights = np.clip(np.nan_to_num(np.asarray(attention, dtype=np.float32)), 0, None)
    peak = float(weights.max(initial=0))
    weights = weights / peak if peak > 0 else weights
    smooth = Image.fromarray(weights, mode="F").resize((width, height), Image.Resampling.BICUBIC)
    share = np.clip(np.asarray(smooth), 0, 1)[..., np.newaxis]
    heat = mpl.colormaps[ATTENTION_COLOURS](share[..., 0])[..., :3] * 255
    grey = photograph.mean(axis=-1, keepdims=True) * 0.8
    opacity = _ATTENTION_OPACITY * np.sqrt(share)
    mixed: NDArray[np.uint8] = (grey * (1 - opacity) + heat * opacity).round().astype(np.uint8)
    return mixed


def fit_overlay(
    photograph: NDArray[np.uint8], truth: NDArray[np.uint8], predicted: NDArray[np.bool_], longest_side: int
) -> NDArray[np.uint8]:
    """Draw found, missed and falsely predicted mines over a photograph in muted colours.

    Args:
        photograph: uint8 (H, W, 3).
        truth: uint8 (H, W): 0 background, 1 mine, 255 unknown.
        predicted: Predicted mine, boolean (H, W).
        longest_side: In pixels; small chips are enlarged by a whole factor, so that rims stay thin.

    Returns:
        uint8 of that size or a little smaller, in the same proportions.
    """
    ground = enlarge(photograph, longest_side)
    size = (ground.shape[1], ground.shape[0])
    true, unknown, called = (
        np.asarray(Image.fromarray(region).resize(size, Image.Resampling.NEAREST))
        for region in (truth == MINE, truth == UNKNOWN, predicted)
    )
    drawn = tone_down(ground)
    for colour, region in ((HIT, true & called), (FALSE, called & ~true), (MISSED, true & ~called)):
        known = region & ~unknown
        paint = np.array(colour, dtype=np.float64)
        drawn[known] = drawn[known] * (1 - _FILL_OPACITY) + paint * _FILL_OPACITY
        drawn[known & ~ndimage.binary_erosion(known, iterations=_RIM, border_value=1)] = paint
    drawn[unknown] = NOT_KNOWN
    pixels: NDArray[np.uint8] = drawn.round().astype(np.uint8)
    return pixels


class CountClass(NamedTuple):
    """Numbers of clear dates that share a colour."""

    low: int
    high: int
    colour: Colour

    @property
    def entry(self) -> LegendEntry:
        """Its entry in the legend."""
        numbers = f"{self.low}" if self.low == self.high else f"{self.low}\N{EN DASH}{self.high}"
        return LegendEntry(f"{numbers} clear date{'' if self.high == 1 else 's'}", css_colour(self.colour))


def count_classes(most: int) -> tuple[CountClass, ...]:
    """Divide the numbers of clear dates into a few classes of equal width.

    Args:
        most: Largest number.

    Returns:
        Classes from 1 to the largest number; none if that is 0.
    """
    width = max(1, -(-most // _MOST_CLASSES))
    lows = range(1, most + 1, width)
    shades = mpl.colormaps[_COUNT_COLOURS](np.linspace(0.0, 0.98, max(2, len(lows))))[:, :3] * 255
    return tuple(
        CountClass(low, min(low + width - 1, most), (int(red), int(green), int(blue)))
        for low, (red, green, blue) in zip(lows, shades[-len(lows) :], strict=False)
    )


def clear_date_map(clear_dates: NDArray[np.uint16], classes: Sequence[CountClass]) -> NDArray[np.uint8]:
    """Draw numbers of clear dates in the colours of their classes.

    Args:
        clear_dates: uint16 (H, W).
        classes: From :func:`count_classes` of the largest number of all maps.

    Returns:
        uint8 (H, W, 3), hatched where the number is 0.
    """
    colours = np.zeros((max((found.high for found in classes), default=0) + 1, 3), dtype=np.uint8)
    for found in classes:
        colours[found.low : found.high + 1] = found.colour
    return _hatch(colours[clear_dates], clear_dates == 0)


def _hatch(pixels: NDArray[np.uint8], where: NDArray[np.bool_]) -> NDArray[np.uint8]:
    rows, columns = np.indices(where.shape)
    stripes = np.array(_STRIPES, dtype=np.uint8)[(rows + columns) // _STRIPE_WIDTH % 2]
    return np.where(where[..., np.newaxis], stripes[..., np.newaxis], pixels)


def tone_down(photograph: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mute the colours and the contrast of a photograph under an overlay.

    Args:
        photograph: uint8 (H, W, 3).

    Returns:
        float64 (H, W, 3) in 0–255.
    """
    grey = photograph.mean(axis=-1, keepdims=True)
    muted: NDArray[np.float64] = _DARKEST + _CONTRAST * (photograph * (1 - _GREYING) + grey * _GREYING)
    return muted


def enlarge(photograph: NDArray[np.uint8], longest_side: int) -> NDArray[np.uint8]:
    """Fit a photograph to a size without smoothing.

    Args:
        photograph: uint8 (H, W, 3).
        longest_side: In pixels; larger photographs are shrunk, the pixels of smaller ones are repeated.

    Returns:
        uint8, in the same proportions.
    """
    image = Image.fromarray(photograph)
    times = longest_side // max(image.size)
    if times > 1:
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    return shrink(np.asarray(image), longest_side)


def shrink(photograph: NDArray[np.uint8], longest_side: int) -> NDArray[np.uint8]:
    """Shrink a photograph to a size.

    Args:
        photograph: uint8 (H, W, 3).
        longest_side: In pixels; smaller photographs are returned unchanged.

    Returns:
        uint8, in the same proportions.
    """
    image = Image.fromarray(photograph)
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    pixels: NDArray[np.uint8] = np.asarray(image)
    return pixels


def encode_picture(image: Image.Image, kind: str, **options: Any) -> str:  # noqa: ANN401 - of PIL's encoders
    """Encode a picture as a data URI.

    Args:
        image: The picture.
        kind: Format of PIL, such as ``WEBP``.
        options: Of the encoder.
    """
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def inline_picture(pixels: NDArray[np.uint8], *, lossless: bool = False) -> str:
    """Encode pixels as a WebP data URI.

    Args:
        pixels: uint8 (H, W, 3 or 4).
        lossless: Keep the exact colours, as in a map with a legend.
    """
    return encode_picture(Image.fromarray(pixels), "WEBP", quality=82, method=2, lossless=lossless)
