"""One picture of the ground from many dates, and how many clear dates stand behind each pixel."""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.sentinel2.masked_median import masked_median
from mining_the_mines.sentinel2.reflectance import LARGEST, NODATA
from mining_the_mines.sentinel2.spectral_medians import geomedian, medoid

Method = Literal["median", "geomedian", "medoid"]


class CompositeSettings(BaseModel):
    """How the dates become one picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Method = Field(
        "median",
        description=(
            "What becomes of a pixel's dates: the median of each band; the geomedian, one spectrum amid all; or the "
            "medoid, the observed spectrum that is nearest to all others."
        ),
    )
    minimum_clear_dates: int = Field(1, ge=1, description="A pixel with fewer clear dates has no data.")


_METHODS: Final = {"median": masked_median, "geomedian": geomedian, "medoid": medoid}


def composite(
    numbers: npt.NDArray[np.uint16], clear: npt.NDArray[np.bool_], settings: CompositeSettings
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Make one picture of many dates.

    Args:
        numbers: Digital numbers as in :mod:`mining_the_mines.sentinel2.reflectance`, uint16 (dates, bands, height,
            width), 0 where there is no data.
        clear: Where the ground is seen, bool (dates, height, width).
        settings: How they are composed.

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
    np.nan_to_num(middle, copy=False, nan=NODATA)
    np.clip(middle, NODATA, LARGEST, out=middle)
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
