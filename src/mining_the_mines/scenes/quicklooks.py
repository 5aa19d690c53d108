"""Composites read small, for pictures."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import RasterioIOError
from rasterio.io import DatasetReader

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.sentinel2.bands import TRUE_COLOUR
from mining_the_mines.sentinel2.reflectance import decode


@dataclass(frozen=True, eq=False)
class Quicklook:
    """A composite at reduced resolution.

    Attributes:
        visible: Reflectance of red, green and blue, float32 (3, height, width), NaN where there are no data; the
            composite's first band three times over where it lacks one of them.
        clear_dates: Number of clear dates, uint16 (height, width).
        pixels_by_clear_dates: Number of the composite's pixels with no clear date, one, two …, int64 (most + 1,).
    """

    visible: npt.NDArray[np.float32]
    clear_dates: npt.NDArray[np.uint16]
    pixels_by_clear_dates: npt.NDArray[np.int64]


def read_quicklook(composite: Composite, longest_side: int) -> Quicklook:
    """Read a composite at the size at which it is shown.

    Args:
        composite: The composite; its overviews are used where there are some.
        longest_side: Maximum in pixels; a smaller composite is read as it is.

    Returns:
        The quicklook.

    Raises:
        SceneError: The composite can't be read.
    """
    try:
        with rasterio.open(composite.image) as image, rasterio.open(composite.clear_dates) as clear:
            shape = _shape(image, longest_side)
            visible = image.read(_visible_bands(image), out_shape=(3, *shape), resampling=Resampling.average)
            return Quicklook(
                visible=decode(visible),
                clear_dates=clear.read(1, out_shape=shape, resampling=Resampling.nearest),
                pixels_by_clear_dates=_count(clear),
            )
    except RasterioIOError as error:
        raise SceneError(
            f"The composite of {composite.region} can't be read ({error}): remove {composite.image} and make it again."
        ) from error


def _shape(image: DatasetReader, longest_side: int) -> tuple[int, int]:
    scale = min(1.0, longest_side / max(image.height, image.width))
    return max(1, round(image.height * scale)), max(1, round(image.width * scale))


def _visible_bands(image: DatasetReader) -> list[int]:
    names = list(image.descriptions)
    return [names.index(band) + 1 for band in TRUE_COLOUR] if set(TRUE_COLOUR) <= set(names) else [1, 1, 1]


def _count(clear: DatasetReader) -> npt.NDArray[np.int64]:
    """Count pixels block by block: memory does not follow the size of the region."""
    counts = np.zeros(np.iinfo(np.uint16).max + 1, dtype=np.int64)
    for _, window in clear.block_windows(1):
        counts += np.bincount(clear.read(1, window=window).ravel(), minlength=len(counts))
    return counts[: int(np.flatnonzero(counts).max()) + 1]
