"""One picture of the ground from many dates: median, geomedian or medoid, and the number of clear dates.

A median band by band may join the green of one date with the infrared of another to a spectrum that nothing on the
ground has. The geomedian and the medoid look at whole spectra: a date counts where all of its bands are seen.
"""

from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.sentinel2.masked_median import masked_median
from mining_the_mines.sentinel2.reflectance import LARGEST, NODATA

#: The search for a geomedian ends where the rest of the way is estimated to be shorter, in digital numbers.
CLOSE_ENOUGH: Final = 0.1
#: Steps of the search. Few pixels take more than 50: those with dates in two clusters of a size.
MOST_STEPS: Final = 500
#: A date that is nearer to the centre, in digital numbers, has been met.
SHORTEST: Final = 0.25
#: Avoids division by zero.
TINY: Final = 1e-12
#: Pixels in work together, so that their spectra stay in the cache.
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
        mean. Of dates in two groups of a size, any spectrum between them is all but as near; one of these is found.
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
    with np.errstate(invalid="ignore"):
        centre: Spectra = (spectra * seen[:, None]).sum(axis=0) / seen.sum(axis=0, dtype=np.float32)
    searched = np.flatnonzero(seen.sum(axis=0) > 2)
    length, shrink = np.zeros((2, len(searched)), dtype=np.float32)
    for _ in range(MOST_STEPS):
        if not len(searched):
            break
        step = _step(centre[:, searched], spectra[:, :, searched], seen[:, searched])
        centre[:, searched] += step
        before, length = length, _lengths(step, axis=0)
        ratio = np.minimum(length / np.maximum(before, TINY), 0.999)
        # Steps shrink by a steady factor: all that are to come add up to a geometric series. The larger of two factors,
        # for a step may be short only because it began beside one of the dates.
        slower = np.maximum(ratio, shrink)
        far = length * slower / (1 - slower) > CLOSE_ENOUGH
        searched, length, shrink = searched[far], length[far], ratio[far]
    return centre


def _step(centre: Spectra, spectra: Spectra, seen: npt.NDArray[np.bool_]) -> Spectra:
    """One step towards the geomedian, (bands, pixels).

    A centre that has met a date would stay there for ever: Y. Vardi, C.-H. Zhang, *The multivariate L1-median and
    associated data depth*, PNAS 97 (2000), 1423–1426, say by how much that date holds it back.
    """
    away = spectra - centre
    distances = _lengths(away, axis=1)
    met = seen & (distances < SHORTEST)
    pull = (seen & ~met) / np.maximum(distances, SHORTEST)
    drift: Spectra = (away * pull[:, None]).sum(axis=0)
    held = met.sum(axis=0) / np.maximum(_lengths(drift, axis=0), TINY)
    drift *= np.maximum(1 - held, 0) / np.maximum(pull.sum(axis=0), TINY)
    return drift


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
    lengths: Spectra = np.square(differences).sum(axis=axis)
    return np.sqrt(lengths, out=lengths)


Method = Literal["median", "geomedian", "medoid"]


class CompositeSettings(BaseModel):
    """How the dates of a pixel become one value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Method = Field(
        "median",
        description=(
            "Reduction over time: median of each band; geomedian, one spectrum amid all; or medoid, the observed "
            "spectrum that is nearest to all others."
        ),
    )
    minimum_clear_dates: int = Field(
        1, ge=1, description="Minimum number of clear dates of a pixel; a pixel with fewer has no data."
    )


_METHODS: Final = {"median": masked_median, "geomedian": geomedian, "medoid": medoid}


def composite(
    numbers: npt.NDArray[np.uint16], clear: npt.NDArray[np.bool_], settings: CompositeSettings
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Reduce many dates to one picture.

    Args:
        numbers: Digital numbers as in :mod:`mining_the_mines.sentinel2.reflectance`, uint16 (dates, bands, height,
            width), 0 where there is no data.
        clear: Where the ground is seen, bool (dates, height, width).
        settings: Method and minimum number of dates.

    Returns:
        The picture in the same digital numbers, uint16 (bands, height, width), rounded to even, and 0 where there are
        too few clear dates; and the number of clear dates, uint16 (height, width).
    """
    counts = count_clear_dates(numbers, clear)
    picture = to_numbers(_METHODS[settings.method](numbers, clear))
    picture[:, counts < settings.minimum_clear_dates] = NODATA
    return picture, counts


def to_numbers(middle: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """Round digital numbers to even, and make 0 of those that are not known.

    Args:
        middle: float32 of any shape, NaN where there is none. Overwritten.

    Returns:
        uint16 of the same shape.
    """
    np.rint(middle, out=middle)
    np.fmax(middle, NODATA, out=middle)  # of NaN and a number, the number
    np.minimum(middle, LARGEST, out=middle)
    return middle.astype(np.uint16)


def count_clear_dates(numbers: npt.NDArray[np.uint16], clear: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint16]:
    """Count the dates on which a pixel is seen in all bands.

    Args:
        numbers: Digital numbers, uint16 (dates, bands, height, width), 0 where there is no data.
        clear: Where the ground is seen, bool (dates, height, width).

    Returns:
        uint16 (height, width).
    """
    counts = np.zeros(clear.shape[1:], dtype=np.uint16)
    for bands, seen in zip(numbers, clear, strict=True):
        counts += seen & (bands.min(axis=0) != NODATA)
    return counts
