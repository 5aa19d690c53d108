"""When a mine began: an interval of days from the dates behind composites.

A composite is the median of the clear dates of each pixel. Of n clear dates in order, let a mine show on the last k.
The median shows the mine only if k is at least n/2, and hides it only if k is at most n/2. Therefore

- a composite *without* the mine proves that the first half of the dates, rounded up, show none: the mine began after
  the lower median of the dates;
- a composite *with* the mine proves that the last half, rounded up, show it: it began at the latest on the upper
  median.

A region's composite lists all dates that were read, and a pixel was clear on some of them only. Which ones is not
known, so the interval is made for the worst case: the clear dates were the earliest (without) or the latest (with).
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.datetime64]

#: No day.
NEVER: Final = np.datetime64("NaT", "D")


def last_day_without(dates: Sequence[date], clear: npt.NDArray[np.float64]) -> Days:
    """Find the day after which mines began that a composite does not show.

    Args:
        dates: Days behind the composite, in order.
        clear: Number of clear dates at each place, (places,); NaN if unknown, which counts as one.

    Returns:
        A day for each place: the lower median of the earliest clear dates; NaT without dates.
    """
    days, count = _days(dates), _count(clear, len(dates))
    return days[(count + 1) // 2 - 1] if len(days) else np.full(len(clear), NEVER)


def first_day_with(dates: Sequence[date], clear: npt.NDArray[np.float64]) -> Days:
    """Find the day on which mines that a composite shows had begun.

    Args:
        dates: Days behind the composite, in order.
        clear: Number of clear dates at each place, (places,); NaN if unknown, which counts as one.

    Returns:
        A day for each place: the upper median of the latest clear dates; NaT without dates.
    """
    days, count = _days(dates), _count(clear, len(dates))
    return days[len(days) - count + count // 2] if len(days) else np.full(len(clear), NEVER)


def _days(dates: Sequence[date]) -> Days:
    return np.array(dates, dtype="datetime64[D]")


def _count(clear: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.int64]:
    """Whole numbers of dates, at least one; the fewer there are, the wider the interval."""
    return np.clip(np.floor(np.nan_to_num(clear, nan=1.0)), 1, max(1, most)).astype(np.int64)
