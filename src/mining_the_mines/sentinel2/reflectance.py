"""Reflectance as the digital numbers of a file, and back.

Encoding: ESA, *Sentinel-2 Products Specification Document* (issue 14.9 and later): since processing baseline 04.00
a level-2A digital number is ``reflectance * BOA_QUANTIFICATION_VALUE - BOA_ADD_OFFSET`` with the quantification value
10000 and the offset −1000. The offset leaves room for the slightly negative reflectance that atmospheric correction
gives over dark ground; zero stays free for "no data".
"""

from typing import Final

import numpy as np
import numpy.typing as npt

#: Digital numbers per unit of reflectance.
QUANTIFICATION: Final = 10_000
#: Added to the scaled reflectance, so that slightly negative reflectance fits an unsigned integer.
OFFSET: Final = 1_000
#: The digital number of a pixel without data.
NODATA: Final = 0
#: The largest digital number: a reflectance of 6.4535, beyond any cloud.
LARGEST: Final = 65_535


def encode(reflectance: npt.NDArray[np.floating]) -> npt.NDArray[np.uint16]:
    """Write reflectance as 16-bit digital numbers.

    Args:
        reflectance: Surface or top-of-atmosphere reflectance of any shape; NaN where there is no data.

    Returns:
        Digital numbers of the same shape: ``round(reflectance * 10000) + 1000``, clipped to 1…65535, and 0 for NaN.
        Steps of 0.0001 keep far more than the instrument's radiometric noise.
    """
    scaled: npt.NDArray[np.float32] = np.multiply(reflectance, np.float32(QUANTIFICATION), dtype=np.float32)
    np.rint(scaled, out=scaled)
    scaled += OFFSET
    np.clip(scaled, 1, LARGEST, out=scaled)
    missing = np.isnan(scaled)
    if missing.any():
        scaled[missing] = NODATA
    return scaled.astype(np.uint16)


def decode(numbers: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """Read reflectance from digital numbers: the inverse of :func:`encode`.

    Args:
        numbers: Digital numbers of any shape.

    Returns:
        ``(number - 1000) / 10000`` as float32 of the same shape; NaN where the number is 0.
    """
    reflectance = numbers.astype(np.float32)
    reflectance -= OFFSET
    reflectance /= QUANTIFICATION
    missing = numbers == NODATA
    if missing.any():
        reflectance[missing] = np.nan
    return reflectance
