"""Composites that keep the bands of a pixel together: a spectrum amid the spectra of all dates.

A median band by band may join the green of one date with the infrared of another to a spectrum that nothing on the
ground has. The geomedian and the medoid look at whole spectra: a date counts where all of its bands are seen.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from mining_the_mines.sentinel2.reflectance import NODATA

#: The search for a geomedian ends where the rest of the way is estimated to be shorter, in digital numbers.
CLOSE_ENOUGH: Final = 0.1
#: Steps of the search. Few pixels take more than 50: those with dates in two clusters of a size.
MOST_STEPS: Final = 500
#: Distances are not taken to be shorter than this, in digital numbers: a step may end on one of the dates.
SHORTEST: Final = 0.01
#: Pixels that are looked at together, so that their spectra stay in the cache.
PIECE: Final = 4096

Spectra = npt.NDArray[np.float32]


def geomedian(numbers: npt.NDArray[np.uint16], clear: npt.NDArray[np.bool_]) -> Spectra:
    """Find the spectrum whose summed distance to those of the clear dates is least.

    D. Roberts, N. Mueller, A. McIntyre, *High-dimensional pixel composites from Earth observation time series*, IEEE
    Transactions on Geoscience and Remote Sensing 55 (2017), 6254–6264, https://doi.org/10.1109/TGRS.2017.2723896. It is
    found by Weiszfeld's iteration: each step takes the mean of the dates, weighted by one over their distance.

    Args:
        numbers: Digital numbers, uint16 (dates, bands, height, width), 0 where there is no data.
        clear: Where the ground is seen, bool (dates, height, width).

    Returns:
        float32 (bands, height, width), to half a digital number, NaN where no date has all bands. Two dates have their
        mean.
    """
    found = np.empty(numbers.shape[1:], dtype=np.float32)
    for spectra, seen, place in _pieces(numbers, clear, found):
        place[:] = _weiszfeld(spectra, seen)
    return found


def medoid(numbers: npt.NDArray[np.uint16], clear: npt.NDArray[np.bool_]) -> Spectra:
    """Find the clear date whose spectrum has the least summed distance to those of the others.

    N. Flood, *Seasonal composite Landsat TM/ETM+ images using the medoid (a multi-dimensional median)*, Remote Sensing
    5 (2013), 6481–6500, https://doi.org/10.3390/rs5126481.

    Args:
        numbers: Digital numbers, uint16 (dates, bands, height, width), 0 where there is no data.
        clear: Where the ground is seen, bool (dates, height, width).

    Returns:
        float32 (bands, height, width): all bands of that date, the first of several; NaN where no date has all bands.
    """
    found = np.empty(numbers.shape[1:], dtype=np.float32)
    for spectra, seen, place in _pieces(numbers, clear, found):
        first = _summed_distances(spectra, seen).argmin(axis=0)
        place[:] = np.take_along_axis(spectra, first[None, None], axis=0)[0]
        place[:, ~seen.any(axis=0)] = np.nan
    return found


def _pieces(
    numbers: npt.NDArray[np.uint16], clear: npt.NDArray[np.bool_], found: Spectra
) -> Iterator[tuple[Spectra, npt.NDArray[np.bool_], Spectra]]:
    """Spectra (dates, bands, pixels), where all bands are seen (dates, pixels), and where the result belongs."""
    dates, bands = numbers.shape[:2]
    pixels, sky, places = numbers.reshape(dates, bands, -1), clear.reshape(dates, -1), found.reshape(bands, -1)
    for start in range(0, places.shape[1], PIECE):
        piece = slice(start, start + PIECE)
        spectra = pixels[:, :, piece]
        seen = sky[:, piece] & (spectra.min(axis=1) != NODATA)
        yield spectra.astype(np.float32), seen, places[:, piece]


def _weiszfeld(spectra: Spectra, seen: npt.NDArray[np.bool_]) -> Spectra:
    """Geomedians (bands, pixels) of spectra (dates, bands, pixels)."""
    weights = seen.astype(np.float32)
    with np.errstate(invalid="ignore"):
        centre: Spectra = np.einsum("tbp,tp->bp", spectra, weights) / weights.sum(axis=0)
    open_pixels = np.flatnonzero(seen.sum(axis=0) > 2)
    before = np.zeros(len(open_pixels), dtype=np.float32)
    for _ in range(MOST_STEPS):
        if not len(open_pixels):
            break
        here, dates = centre[:, open_pixels], spectra[:, :, open_pixels]
        pull = seen[:, open_pixels] / np.maximum(_lengths(dates - here, axis=1), SHORTEST)
        target = np.einsum("tbp,tp->bp", dates, pull) / pull.sum(axis=0)
        step = _lengths(target - here, axis=0)
        centre[:, open_pixels] = target
        # Steps shrink by a steady factor: all that are to come add up to a geometric series.
        shrink = np.minimum(step / np.maximum(before, SHORTEST), 0.999)
        far = step * shrink / (1 - shrink) > CLOSE_ENOUGH
        open_pixels, before = open_pixels[far], step[far]
    return centre


def _summed_distances(spectra: Spectra, seen: npt.NDArray[np.bool_]) -> Spectra:
    """Summed distance of each date to the others, (dates, pixels); infinite where a date is not seen."""
    sums = np.zeros(seen.shape, dtype=np.float32)
    for date in range(1, len(spectra)):
        between = _lengths(spectra[:date] - spectra[date], axis=1)
        sums[:date] += between * seen[date]
        sums[date] += (between * seen[:date]).sum(axis=0)
    sums[~seen] = np.inf
    return sums


def _lengths(differences: Spectra, axis: int) -> Spectra:
    """Euclidean lengths over the bands' axis."""
    np.square(differences, out=differences)
    lengths: Spectra = differences.sum(axis=axis)
    return np.sqrt(lengths, out=lengths)
