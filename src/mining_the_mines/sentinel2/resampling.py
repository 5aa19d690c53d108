"""Bringing bands of 20 and 60 m to the grid of 10 m."""

from typing import Final

import numpy as np
import numpy.typing as npt

from mining_the_mines.sentinel2.reflectance import NODATA

Numbers = npt.NDArray[np.uint16]

#: Coarse pixels that are needed beyond each side.
RIM: Final = 1


def interpolate(coarse: Numbers, factor: int) -> Numbers:
    """Resample bilinearly to pixels that nest in the coarse ones.

    Pixels stand for their centres: of the ``factor`` fine pixels in a coarse one, that at ``k`` lies
    ``(2k + 1 - factor) / (2 factor)`` coarse pixels from its centre. Sums of whole numbers are exact, so that the
    result does not depend on how an image is divided, as GDAL's does in its last digit; and it takes a tenth of the
    time of GDAL's warper, which must be ready for any two grids.

    Args:
        coarse: Digital numbers, uint16 (..., height + 2, width + 2), a pixel more on each side; 0 where there is no
            data.
        factor: Fine pixels along the edge of a coarse one.

    Returns:
        Digital numbers, uint16 (..., height * factor, width * factor), halves rounded up. A fine pixel has no data
        where the coarse one that it lies in has none; its neighbours without data are left out of the mean.
    """
    if factor == 1:
        return coarse[..., RIM:-RIM, RIM:-RIM]
    missing = coarse == NODATA
    sums = _spread(coarse.astype(np.uint32), factor)
    if not missing.any():
        full = 4 * factor * factor
        sums += full // 2
        sums //= full
        return sums.astype(np.uint16)
    weights = _spread((~missing).astype(np.uint32), factor)
    sums += weights // 2
    np.floor_divide(sums, weights, out=sums, where=weights > 0)
    sums[nest(missing, factor)] = NODATA
    return sums.astype(np.uint16)


def nest(coarse: npt.NDArray[np.bool_], factor: int) -> npt.NDArray[np.bool_]:
    """Repeat what holds for a coarse pixel in the fine ones within it.

    Args:
        coarse: (..., height + 2, width + 2), a pixel more on each side.
        factor: Fine pixels along the edge of a coarse one.

    Returns:
        (..., height * factor, width * factor).
    """
    inner = coarse[..., RIM:-RIM, RIM:-RIM]
    return inner.repeat(factor, axis=-2).repeat(factor, axis=-1)


def _spread(values: npt.NDArray[np.uint32], factor: int) -> npt.NDArray[np.uint32]:
    """Weigh neighbours along columns, then along rows; weights of a direction sum up to 2 × factor."""
    *stack, height, width = values.shape
    tall = np.empty((*stack, (height - 2 * RIM) * factor, width), np.uint32)
    fine = np.empty((*tall.shape[:-1], (width - 2 * RIM) * factor), np.uint32)
    steps = [_step(place, factor) for place in range(factor)]
    for place, (near, far, beside) in enumerate(steps):
        tall[..., place::factor, :] = values[..., RIM:-RIM, :] * near + values[..., beside, :] * far
    for place, (near, far, beside) in enumerate(steps):
        fine[..., place::factor] = tall[..., RIM:-RIM] * near + tall[..., beside] * far
    return fine


def _step(place: int, factor: int) -> tuple[np.uint32, np.uint32, slice]:
    """Weights of the coarse pixel and of the neighbour that a fine pixel lies nearer to, and where that one is."""
    shift = 2 * place + 1 - factor
    beside = slice(2 * RIM, None) if shift > 0 else slice(None, -2 * RIM)
    return np.uint32(2 * factor - abs(shift)), np.uint32(abs(shift)), beside
