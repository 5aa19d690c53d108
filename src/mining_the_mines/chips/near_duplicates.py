"""Near-duplicate chips, found by perceptual hashes of several bands.

Method: ``imagehash.phash``, the signs of an image's lowest cosine frequencies against their median (Zauner, 2010,
*Implementation and Benchmarking of Perceptual Image Hash Functions*). A hash of visible light alone
takes two forests for the same; near and short-wave infrared tell them apart.
"""

from collections.abc import Sequence
from typing import Final

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

#: Bands averaged into one picture each; a chip has the pictures of which it has a band.
PICTURES: Final = (("B2", "B3", "B4"), ("B8", "B8A", "B7", "B6"), ("B11", "B12"))
BITS: Final = 64
_ROWS_AT_ONCE: Final = 1024


def image_hash(reflectance: npt.NDArray[np.float32], bands: Sequence[str]) -> str:
    """Hash the appearance of a chip.

    Args:
        reflectance: float32 (bands, height, width), NaN without data.
        bands: Names of the bands.

    Returns:
        64 bits a picture as 16 hexadecimal digits each, of visible, near infrared and short-wave infrared light as far
        as the bands go; the first bands for a chip with none of them.
    """
    positions = [[bands.index(band) for band in picture if band in bands] for picture in PICTURES]
    chosen = [picture for picture in positions if picture] or [[0]]
    return "".join(str(imagehash.phash(_picture(reflectance[picture]))) for picture in chosen)


def cluster_near_duplicates(hashes: Sequence[str], max_bits: int) -> npt.NDArray[np.intp]:
    """Cluster chips whose hashes are close.

    Args:
        hashes: One of :func:`image_hash` a chip, all of the same bands.
        max_bits: Two chips are near duplicates if no picture's 64 bits differ in more than these.

    Returns:
        Cluster number of each chip; chips are in one cluster if a chain of near duplicates links them.
    """
    count = len(hashes)
    if count == 0:
        return np.empty(0, dtype=np.intp)
    signs = _signs(hashes)
    first, second = [], []
    for start in range(0, count, _ROWS_AT_ONCE):
        # The product of ±1 vectors is 64 − 2 × (number of different bits).
        products = np.einsum("ipb,jpb->pij", signs[start : start + _ROWS_AT_ONCE], signs, optimize=True)
        rows, columns = np.nonzero((products >= BITS - 2 * max_bits).all(axis=0))
        first.append(rows + start)
        second.append(columns)
    rows, columns = np.concatenate(first), np.concatenate(second)
    links = coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.intp)


def _picture(planes: npt.NDArray[np.float32]) -> Image.Image:
    plane = planes.mean(axis=0)
    valid = plane[np.isfinite(plane)]
    # An eighth of the pixels places the percentiles well enough, and costs an eighth.
    low, high = np.percentile(valid[:: 8 if len(valid) > 65536 else 1], (2, 98)) if len(valid) else (0.0, 1.0)
    stretched = np.clip((plane - low) * (255 / max(float(high - low), 1e-6)), 0, 255)
    return Image.fromarray(np.nan_to_num(stretched).astype(np.uint8))


def _signs(hashes: Sequence[str]) -> npt.NDArray[np.float32]:
    numbers = np.frombuffer(bytes.fromhex("".join(hashes)), dtype=np.uint8).reshape(len(hashes), -1)
    bits = np.unpackbits(numbers, axis=1).reshape(len(hashes), -1, BITS)
    return bits.astype(np.float32) * 2 - 1
