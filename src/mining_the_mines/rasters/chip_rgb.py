"""A chip in true colour, for people: whatever else it holds is left in its file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mining_the_mines.rasters.chip import MissingBandError, read_chip
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS, TRUE_COLOUR


def read_true_colour(path: Path, bands: Sequence[str] = COMPETITION_BANDS) -> npt.NDArray[np.float32]:
    """Read red, green and blue of a chip.

    Args:
        path: A raster that GDAL can read.
        bands: What its bands are, in the order of the file, where their descriptions don't say.

    Returns:
        Reflectance, float32 (3, height, width), NaN where there is no data; the first band three times over where one
        of them is lacking.

    Raises:
        ChipError: If the file can't be read, or has other bands.
    """
    try:
        return read_chip(path, TRUE_COLOUR).reflectance
    except MissingBandError:
        return visible_bands(read_chip(path, bands).reflectance, bands)


def visible_bands(reflectance: npt.NDArray[np.float32], bands: Sequence[str]) -> npt.NDArray[np.float32]:
    """Take red, green and blue.

    Args:
        reflectance: float32 (bands, height, width).
        bands: Their names.

    Returns:
        float32 (3, height, width); the first band three times over where one of them is lacking.
    """
    positions = [bands.index(name) for name in TRUE_COLOUR] if set(TRUE_COLOUR) <= set(bands) else [0, 0, 0]
    return reflectance[positions]
