"""One picture of the ground from many dates."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.sentinel2.reflectance import NODATA

Numbers = npt.NDArray[np.uint16]


class CompositeSettings(BaseModel):
    """How the dates become one picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["median", "geomedian", "medoid"] = Field("median", description="How a pixel's dates become one.")
    minimum_clear_dates: int = Field(1, ge=1, description="Pixels with fewer clear dates are no data.")


def composite(numbers: Numbers, clear: npt.NDArray[np.bool_], settings: CompositeSettings) -> tuple[Numbers, Numbers]:
    """Make one picture of many dates.

    Args:
        numbers: Digital numbers, uint16 (dates, bands, height, width), 0 where there is no data.
        clear: Where the ground is seen, bool (dates, height, width).
        settings: How.

    Returns:
        The picture, uint16 (bands, height, width), 0 where there are too few clear dates; and the number of clear
        dates, uint16 (height, width).
    """
    counts = count_clear_dates(numbers, clear)
    picture = np.nan_to_num(np.rint(masked_median(numbers, clear)), nan=NODATA).astype(np.uint16)
    picture[:, counts < settings.minimum_clear_dates] = NODATA
    return picture, counts


def count_clear_dates(numbers: Numbers, clear: npt.NDArray[np.bool_]) -> Numbers:
    """Number of dates on which all bands of a pixel are seen, uint16 (height, width)."""
    counts: Numbers = ((numbers != NODATA).all(axis=1) & clear).sum(axis=0, dtype=np.uint16)
    return counts


def masked_median(numbers: Numbers, clear: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Median over the clear dates of each pixel and band, float32 (bands, height, width), NaN where there is none."""
    values = np.where(clear[:, None] & (numbers != NODATA), numbers.astype(np.float32), np.nan)
    median: npt.NDArray[np.float32] = np.nanmedian(values, axis=0)
    return median
