"""Patches: strips that hang together, and what is known of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mining_the_mines.mapping.runs import Flags, Integers, Runs, join_touching, label_runs
from mining_the_mines.mapping.strips import STEPS, DateCounts, Probability, Strips


@dataclass(frozen=True, eq=False)
class Patches:
    """Patches in the order of their first pixels, row by row.

    Attributes:
        runs: Their pixels; runs of a row don't touch each other.
        labels: The patch of each run, from 0.
        pixels: Number of pixels of each patch.
        mean_probability: float64, of its pixels.
        max_probability: float32.
        clear_dates: float64, median number of clear dates of its pixels; NaN if nobody counted.
        touches_edge: Whether a side of it touches nodata or the end of the raster.
    """

    runs: Runs
    labels: Integers
    pixels: Integers
    mean_probability: npt.NDArray[np.float64]
    max_probability: Probability
    clear_dates: npt.NDArray[np.float64]
    touches_edge: Flags

    def keep(self, chosen: Flags) -> "Patches":
        """Drop all patches but some.

        Args:
            chosen: One flag a patch.

        Returns:
            Those, numbered anew.
        """
        of_chosen = chosen[self.labels]
        number = np.cumsum(chosen) - 1
        return Patches(
            self.runs[of_chosen],
            number[self.labels[of_chosen]],
            self.pixels[chosen],
            self.mean_probability[chosen],
            self.max_probability[chosen],
            self.clear_dates[chosen],
            self.touches_edge[chosen],
        )


def find_patches(strips: Strips, chosen: Flags, connectivity: int) -> Patches:
    """Join strips to patches.

    Args:
        strips: Of the whole raster.
        chosen: Which of them are mine.
        connectivity: 4 if pixels of a patch must share a side, 8 if a corner is enough.

    Returns:
        All patches, however small.
    """
    runs, run_of_strip = join_touching(strips.runs[chosen])
    labels = label_runs(runs, connectivity)
    of_strip = np.full(len(chosen), -1, dtype=np.int64)
    of_strip[chosen] = labels[run_of_strip]
    order = np.argsort(of_strip, kind="stable")[np.count_nonzero(~chosen) :]
    first = np.flatnonzero(np.diff(of_strip[order], prepend=-1))
    pixels = np.add.reduceat(strips.runs.pixels[order], first)
    total = np.add.reduceat(strips.total[order], first)
    return Patches(
        runs=runs,
        labels=labels,
        pixels=pixels,
        mean_probability=total / STEPS / pixels,
        max_probability=np.maximum.reduceat(strips.highest[order], first),
        clear_dates=_medians(strips.dates, of_strip, pixels),
        touches_edge=np.logical_or.reduceat(strips.at_edge[order], first),
    )


def _medians(dates: DateCounts | None, of_strip: Integers, pixels: Integers) -> npt.NDArray[np.float64]:
    """Median number of clear dates of each patch; of two middle pixels, the mean."""
    if dates is None:
        return np.full(len(pixels), np.nan)
    patch = of_strip[dates.strip]
    order = np.lexsort((dates.number, patch))
    order = order[np.count_nonzero(patch < 0) :]
    counted = np.cumsum(dates.pixels[order])
    before = np.cumsum(pixels) - pixels
    middle = [np.searchsorted(counted, before + half, side="right") for half in ((pixels - 1) // 2, pixels // 2)]
    low, high = (dates.number[order[place]] for place in middle)
    medians: npt.NDArray[np.float64] = (low + high) / 2
    return medians
