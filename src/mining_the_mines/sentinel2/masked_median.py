"""The median over the clear dates of each pixel, by a sorting network over whole planes.

``np.nanmedian`` sorts the dates of one pixel after the other. Here all pixels are sorted at once: the minimum and the
maximum of two planes are what one comparison of a sorting network does, and NumPy computes them for 32 pixels in one
instruction. Dates that are not seen become the lowest and the highest number by turns, so that they pair off around
the median, and it stays in the middle, however many they are: the network needs to sort the two middle planes only.

Network: I. Parberry, *The pairwise sorting network*, Parallel Processing Letters 2 (1992), 205–211. That it loses more
comparisons than Batcher's when only some outputs are wanted: M. Codish, M. Zazon-Ivry, *Pairwise cardinality networks*,
LPAR-16 (2010). For 12, 24 and 48 dates, 54, 170 and 494 minima or maxima are left of 82, 254 and 734.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from mining_the_mines.sentinel2.reflectance import LARGEST, NODATA

#: Digital numbers in a plane that is compared at a time: enough that the call costs little beside the comparison, and
#: few enough that the planes stay in a core's cache.
PLANE: Final = 2**16


class Comparison(NamedTuple):
    """Two planes that are compared, and which results are needed.

    Attributes:
        first: Plane that gets the lower numbers.
        second: Plane that gets the higher ones.
        lower: Whether the lower numbers are needed later.
        higher: Whether the higher ones are.
    """

    first: int
    second: int
    lower: bool
    higher: bool


def masked_median(numbers: npt.NDArray[np.uint16], clear: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Take the median over the dates on which a pixel is seen, band by band.

    Args:
        numbers: Digital numbers, uint16 (dates, bands, height, width), 0 where there is no data.
        clear: Where the ground is seen, bool (dates, height, width).

    Returns:
        float32 (bands, height, width), the mean of the two middle numbers where there is an even number of them, and
        NaN where there is none: bit for bit what ``np.nanmedian`` makes of float32 with NaN for what is not seen.
    """
    dates, bands, *size = numbers.shape
    pixels = numbers.reshape(dates, bands, -1)
    seen = clear.reshape(dates, -1)
    median = np.empty(pixels.shape[1:], dtype=np.float32)
    for piece in _pieces(median.shape[1], max(PLANE // bands, 1)):
        median[:, piece] = _median_of(pixels[:, :, piece], seen[:, piece])
    return median.reshape(bands, *size)


@cache
def median_network(dates: int) -> tuple[Comparison, ...]:
    """List the comparisons that bring the middle of some dates to their place.

    Args:
        dates: Number of dates.

    Returns:
        Comparisons in order. After them, the planes at :func:`middle` hold what they would in a sorted list.
    """
    needed = set(middle(dates))
    kept = []
    for first, second in reversed(list(_pairwise_network(dates))):
        comparison = Comparison(first, second, first in needed, second in needed)
        if comparison.lower or comparison.higher:
            kept.append(comparison)
            needed |= {first, second}
    return tuple(reversed(kept))


def middle(dates: int) -> tuple[int, int]:
    """Positions of the two middle numbers of some sorted dates; of an odd number, the middle one and that above it."""
    return (dates - 1) // 2, min((dates - 1) // 2 + 1, dates - 1)


def _pairwise_network(wires: int) -> Iterator[tuple[int, int]]:
    """Comparisons of Parberry's network: pairs are sorted, then the pairs by their lower part, then merged."""
    gap = 1
    while gap < wires:
        yield from ((wire - gap, wire) for wire in range(gap, wires) if wire // gap % 2)
        gap *= 2
    reach, gap = 1, gap // 4
    while gap:
        for distance in _halves(reach):
            first = (distance + 1) * gap
            yield from ((wire - distance * gap, wire) for wire in range(first, wires) if (wire - first) // gap % 2 == 0)
        reach, gap = 2 * reach + 1, gap // 2


def _halves(number: int) -> Iterator[int]:
    while number:
        yield number
        number //= 2


def _pieces(length: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, length)) for start in range(0, length, size))


def _median_of(numbers: npt.NDArray[np.uint16], seen: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """The median of numbers (dates, bands, pixels), seen (dates, pixels), as float32 (bands, pixels)."""
    # All ones where a date is hidden: with these, numbers become the highest, the lowest, or stay.
    hidden = (seen.astype(np.uint16) - 1)[:, None]
    planes = numbers | hidden
    if planes.size and planes.min() == NODATA:
        hidden = hidden | (planes == NODATA) * np.uint16(LARGEST)
        planes |= hidden
    odd = np.zeros(hidden.shape[1:], dtype=np.uint16)
    for plane, hide in zip(planes, hidden, strict=True):
        odd ^= hide
        plane ^= hide & odd  # noqa: PLW2901 (in place: every other hidden date sinks)
    lower, higher = _sort_middle(planes)
    # Of an even number of dates, an odd number hidden leaves one in the middle: the higher, as the lowest are one more.
    # Of an odd number, an even number hidden does, and leaves the lower.
    if len(planes) % 2 == 0:
        lower ^= (lower ^ higher) & odd
    else:
        higher ^= (lower ^ higher) & ~odd
    median = lower.astype(np.float32)
    median += higher
    median *= np.float32(0.5)
    median[np.broadcast_to(np.bitwise_and.reduce(hidden, axis=0) == LARGEST, median.shape)] = np.nan
    return median


def _sort_middle(planes: npt.NDArray[np.uint16]) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """The two middle planes of (dates, bands, pixels), sorted in place over the dates."""
    minimum, maximum = np.minimum, np.maximum
    spare = np.empty_like(planes[0])
    wires = list(planes)
    for first, second, lower, higher in median_network(len(wires)):
        one, other = wires[first], wires[second]
        if not higher:
            minimum(one, other, out=one)
        elif not lower:
            maximum(one, other, out=other)
        else:
            minimum(one, other, out=spare)
            maximum(one, other, out=other)
            wires[first], spare = spare, one
    below, above = middle(len(wires))
    return wires[below], wires[above]
