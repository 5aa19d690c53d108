"""Bringing bands of 20 and 60 m to the grid of 10 m."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from mining_the_mines.sentinel2.reflectance import NODATA

Numbers = npt.NDArray[np.uint16]

#: Coarse pixels that are needed beyond each side.
RIM: Final = 1
#: Coarse pixels that are in work at once: few enough to stay in a core's cache, and to have data all or not at all.
_ROWS: Final = 64
_COLUMNS: Final = 256


def interpolate(coarse: Numbers, factor: int) -> Numbers:
    """Resample bilinearly to pixels that nest in the coarse ones.

    Pixels stand for their centres: of the ``factor`` fine pixels in a coarse one, that at ``k`` lies
    ``(2k + 1 - factor) / (2 factor)`` coarse pixels from its centre. Sums of whole numbers are exact, so that the
    result does not depend on how an image is divided, as GDAL's does in its last digit; and it takes a tenth of the
    time of GDAL's warper, which must be ready for any two grids.

    Args:
        coarse: Digital numbers, uint16 (height + 2, width + 2), a pixel more on each side; 0 where there is no data.
        factor: Fine pixels along the edge of a coarse one, 2 or more.

    Returns:
        Digital numbers, uint16 (height * factor, width * factor), halves rounded up. A fine pixel has no data where
        the coarse one that it lies in has none; its neighbours without data are left out of the mean.
    """
    height, width = (side - 2 * RIM for side in coarse.shape)
    fine = np.empty((height * factor, width * factor), "<u2")
    for top in range(0, height, _ROWS):
        for left in range(0, width, _COLUMNS):
            part = coarse[top : top + _ROWS + 2 * RIM, left : left + _COLUMNS + 2 * RIM]
            rows, columns = (
                (start * factor, (start + size) * factor) for start, size in ((top, _ROWS), (left, _COLUMNS))
            )
            _interpolate(part, factor, fine[slice(*rows), slice(*columns)])
    return fine


def nest(coarse: npt.NDArray[np.bool_], factor: int) -> npt.NDArray[np.bool_]:
    """Repeat a boolean of a coarse pixel in the fine pixels within it.

    Args:
        coarse: (..., height, width).
        factor: Fine pixels along the edge of a coarse one.

    Returns:
        (..., height * factor, width * factor).
    """
    return coarse.repeat(factor, axis=-2).repeat(factor, axis=-1)


def _interpolate(coarse: Numbers, factor: int, fine: Numbers) -> None:
    """Interpolate a part of an image; the weights of all neighbours together are 4 × factor²."""
    lowest = coarse.min()
    if lowest == NODATA and coarse.max() == NODATA:
        fine[:] = NODATA
        return
    if lowest != NODATA and factor == 2:
        _double(coarse, fine)
        return
    full = 4 * factor * factor
    weights = None if lowest != NODATA else _spread((coarse != NODATA).astype(np.uint32), factor)
    for place, sums in enumerate(_spread(coarse.astype(np.uint32), factor)):
        if weights is None:
            fine[:, place::factor] = (sums + np.uint32(full // 2)) // np.uint32(full)
        else:
            weight = next(weights)
            fine[:, place::factor] = (sums + weight // 2) // np.maximum(weight, 1)
    if weights is not None:
        fine[nest(coarse[RIM:-RIM, RIM:-RIM] == NODATA, factor)] = NODATA


def _double(coarse: Numbers, fine: Numbers) -> None:
    """Interpolate to pixels of half the size where all have data, in whole rows: 20 m bands are most of all.

    Each pixel weighs 9, 3, 3 and 1 sixteenths. The least number is taken off and added again, so that 16 bits are
    enough where the others lie within 4095 of it.
    """
    lowest = coarse.min()
    kind = np.uint16 if int(coarse.max()) - int(lowest) < 2**12 - 1 else np.uint32
    values = (coarse - lowest).astype(kind, copy=False)
    pairs = fine.view("<u4")  # two pixels of a row
    for row, beside in enumerate((values[: -2 * RIM], values[2 * RIM :])):
        tall = values[RIM:-RIM] * kind(3)
        tall += beside
        middle = tall[:, RIM:-RIM] * kind(3)
        middle += kind(8)
        left, right = ((middle + side) >> kind(4) for side in (tall[:, : -2 * RIM], tall[:, 2 * RIM :]))
        pair = (right + lowest).astype("<u4", copy=False) << np.uint32(16)
        pair |= left + lowest
        pairs[row::2] = pair


def _spread(values: npt.NDArray[np.uint32], factor: int) -> Iterator[npt.NDArray[np.uint32]]:
    """Weigh neighbours along columns, then along rows; weights of a direction sum up to 2 × factor.

    Yields:
        Of each coarse pixel's fine columns the first, the second …, (height * factor, width).
    """
    steps = [_step(place, factor) for place in range(factor)]
    tall = np.empty(((values.shape[0] - 2 * RIM) * factor, values.shape[1]), np.uint32)
    for place, (near, far, beside) in enumerate(steps):
        tall[place::factor] = _weighed(values, near, far, beside)
    for near, far, beside in steps:
        yield _weighed(tall.T, near, far, beside).T


def _weighed(lines: npt.NDArray[np.uint32], near: np.uint32, far: np.uint32, beside: slice) -> npt.NDArray[np.uint32]:
    weighed = lines[RIM:-RIM] * near
    weighed += lines[beside] * far
    return weighed


def _step(place: int, factor: int) -> tuple[np.uint32, np.uint32, slice]:
    """Weights of the coarse pixel and of the neighbour that a fine pixel lies nearer to, and where that one is."""
    shift = 2 * place + 1 - factor
    beside = slice(2 * RIM, None) if shift > 0 else slice(None, -2 * RIM)
    return np.uint32(2 * factor - abs(shift)), np.uint32(abs(shift)), beside
