"""Masks as runs: stretches of pixels that lie side by side in a row, which know nothing of the block they were read in.

Runs are what patches are joined from and outlined by. There are as many as rows that patches cross, however wide the
raster is, and all that is done to them is done to whole arrays.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of pixels, by row and then by column; those of a row have no pixel in common.

    Attributes:
        row: Row of each run, from 0.
        start: Column of its first pixel, from 0.
        stop: Column after its last pixel.
    """

    row: Integers
    start: Integers
    stop: Integers

    def __len__(self) -> int:
        """Number of runs."""
        return len(self.row)

    def __getitem__(self, chosen: Flags | Integers) -> "Runs":
        """Choose runs; give rising indices, so that the order stays."""
        return Runs(self.row[chosen], self.start[chosen], self.stop[chosen])

    @property
    def pixels(self) -> Integers:
        """Number of pixels of each run."""
        return self.stop - self.start

    @cached_property
    def span(self) -> int:
        """Places that a row takes when runs are put behind each other: one column more at either end."""
        return int(self.stop.max(initial=0)) + 2

    @cached_property
    def starts(self) -> Integers:
        """Where each run starts when rows are put behind each other, rising."""
        return self.row * self.span + self.start

    @cached_property
    def stops(self) -> Integers:
        """Where each run stops when rows are put behind each other, rising."""
        return self.row * self.span + self.stop

    def turned(self) -> "Runs":
        """The same picture by half a turn, so that the last run comes first."""
        bottom, right = int(self.row.max(initial=0)), int(self.stop.max(initial=0))
        return Runs((bottom - self.row)[::-1], (right - self.stop)[::-1], (right - self.start)[::-1])


def spread(first: Integers, lengths: Integers) -> Integers:
    """List the members of ranges.

    Args:
        first: First number of each range.
        lengths: How many numbers it has.

    Returns:
        All of their numbers, range after range.
    """
    shift = first - (np.cumsum(lengths) - lengths)
    members: Integers = np.arange(int(lengths.sum()), dtype=np.int64) + np.repeat(shift, lengths)
    return members


def label_runs(runs: Runs, connectivity: int) -> Integers:
    """Number the patches that runs hang together in.

    Args:
        runs: Of the whole raster. Runs of a row that touch each other are two.
        connectivity: 4 if pixels must share a side, 8 if a corner is enough.

    Returns:
        The patch of each run, from 0 in the order of the patches' first pixels, row by row.
    """
    reach = 1 if connectivity == 8 else 0
    below = (runs.row + 1) * runs.span
    first = np.searchsorted(runs.stops, below + runs.start - reach, side="right")
    after = np.searchsorted(runs.starts, below + runs.stop + reach, side="left")
    upper = np.repeat(np.arange(len(runs)), after - first)
    lower = spread(first, after - first)
    joined = csr_array((np.ones(len(upper), dtype=np.int8), (upper, lower)), shape=(len(runs), len(runs)))
    _, found = connected_components(joined, directed=False)
    _, leading, labels = np.unique(found, return_index=True, return_inverse=True)
    rank = np.empty(len(leading), dtype=np.int64)
    rank[np.argsort(leading)] = np.arange(len(leading))
    numbered: Integers = rank[labels]
    return numbered


def gaps_between(runs: Runs, height: int, width: int) -> Runs:
    """Find what is left of a raster.

    Args:
        runs: Some of its pixels; runs of a row don't touch each other.
        height: Its number of rows.
        width: Its number of columns.

    Returns:
        All other pixels.
    """
    rows, span = np.arange(height, dtype=np.int64), width + 1
    starts = np.sort(np.concatenate([rows * span, runs.row * span + runs.stop]))
    stops = np.sort(np.concatenate([rows * span + width, runs.row * span + runs.start]))
    there = starts < stops
    row, start = np.divmod(starts[there], span)
    return Runs(row, start, stops[there] - row * span)


def join_touching(runs: Runs) -> tuple[Runs, Integers]:
    """Make one run of those that touch each other in a row.

    Args:
        runs: The runs.

    Returns:
        The joined runs, and for each run the one that it became part of.
    """
    new = np.ones(len(runs), dtype=np.bool_)
    new[1:] = runs.starts[1:] != runs.stops[:-1]
    last = np.append(new[1:], True)[: len(runs)]
    return Runs(runs.row[new], runs.start[new], runs.stop[last]), np.cumsum(new) - 1
