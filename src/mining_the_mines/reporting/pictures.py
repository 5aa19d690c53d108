"""Chips as people see them: true colour, and where the model looked, as inline photographs."""

import base64
import io
from collections.abc import Iterable
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Narrowest span of reflectance stretched to full contrast; less would make dark woods glow.
_LEAST_SPAN = 0.12
_NODATA_GREY = 128
#: Attention is drawn in a map whose lightness rises steadily, which colour-blind people can read.
ATTENTION_COLOURS = "inferno"
_ATTENTION_OPACITY = 0.6


class Stretch(NamedTuple):
    """Which reflectance is shown black, and how much more is shown white."""

    low: float
    span: float


def stretch_for(reflectances: Iterable[NDArray[np.float32]]) -> Stretch:
    """Find the stretch in which several pictures can be compared.

    Args:
        reflectances: Red, green, blue as float (3, H, W), NaN for nodata.

    Returns:
        From the 2nd to the 98th percentile of all bands of all pictures together, which keeps the hues.
    """
    values = np.concatenate(
        [np.empty(0, np.float32), *(reflectance[np.isfinite(reflectance)] for reflectance in reflectances)]
    )
    if not values.size:
        return Stretch(0.0, _LEAST_SPAN)
    low, high = np.percentile(values, (2, 98))
    return Stretch(float(low), max(float(high - low), _LEAST_SPAN))


def true_colour(reflectance: NDArray[np.float32], stretch: Stretch | None = None) -> NDArray[np.uint8]:
    """Stretch red, green and blue to what a screen shows.

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


def attention_overlay(
    photograph: NDArray[np.uint8], attention: NDArray[np.float32], peak: float | None = None
) -> NDArray[np.uint8]:
    """Lay a heat map over a photograph: the more attention, the brighter and the less transparent.

    Args:
        photograph: uint8 (H, W, 3).
        attention: Non-negative weights (h, w) of any size and scale; NaN counts as 0.
        peak: The weight that is drawn brightest; by default the largest.

    Returns:
        uint8 (H, W, 3).
    """
    height, width = photograph.shape[:2]
    weights = np.clip(np.nan_to_num(np.asarray(attention, dtype=np.float32)), 0, None)
    peak = float(weights.max(initial=0)) if peak is None else peak
    weights = weights / peak if peak > 0 else weights
    smooth = Image.fromarray(weights, mode="F").resize((width, height), Image.Resampling.BICUBIC)
    share = np.clip(np.asarray(smooth), 0, 1)[..., np.newaxis]
    heat = mpl.colormaps[ATTENTION_COLOURS](share[..., 0])[..., :3] * 255
    grey = photograph.mean(axis=-1, keepdims=True) * 0.8
    opacity = _ATTENTION_OPACITY * np.sqrt(share)
    mixed: NDArray[np.uint8] = (grey * (1 - opacity) + heat * opacity).round().astype(np.uint8)
    return mixed


def shrink(photograph: NDArray[np.uint8], longest_side: int) -> NDArray[np.uint8]:
    """Make a photograph no larger than it will be shown.

    Args:
        photograph: uint8 (H, W, 3).
        longest_side: In pixels; smaller photographs are left as they are.

    Returns:
        uint8 of the same or a smaller size, in the same proportions.
    """
    image = Image.fromarray(photograph)
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    pixels: NDArray[np.uint8] = np.asarray(image)
    return pixels


def inline_photograph(pixels: NDArray[np.uint8], *, lossless: bool = False) -> str:
    """Encode a picture as a data URI.

    Args:
        pixels: uint8 (H, W, 3).
        lossless: Whether every pixel keeps its colour, as in a map with a legend.

    Returns:
        A ``data:image/webp`` URI.
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=82, method=2, lossless=lossless)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
