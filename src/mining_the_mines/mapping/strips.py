"""What a map of probabilities holds, read block by block: strips of pixels with their figures.

A strip lies in one row and a block is of whole rows, so that no strip is cut by a seam. Sums are of whole numbers: they
don't depend on the order in which they are added up.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from mining_the_mines.mapping.runs import Flags, Integers, Runs, spread

Probability = npt.NDArray[np.float32]
ClearDates = npt.NDArray[np.uint16]

#: Probabilities are summed up in these steps. Half precision in 0–1 is a multiple of one, so its sums are exact; single
#: precision is rounded by 3e-8 at most.
STEPS: Final = 2**24


@dataclass(frozen=True, eq=False)
class ProbabilityRows:
    """Neighbouring rows of a map.

    Attributes:
        first_row: Where they begin in the raster, from 0.
        probability: float32 (rows, width) in 0–1; NaN without data.
        clear_dates: uint16 (rows, width), how many dates showed the ground; ``None`` if nobody counted.
    """

    first_row: int
    probability: Probability
    clear_dates: ClearDates | None = None


@dataclass(frozen=True, eq=False)
class DateCounts:
    """Numbers of clear dates, as often as they change along a strip.

    Attributes:
        strip: Which strip.
        number: How many clear dates.
        pixels: How many of its pixels have so many.
    """

    strip: Integers
    number: Integers
    pixels: Integers


@dataclass(frozen=True, eq=False)
class Strips:
    """Strips of pixels: of mines, and short ones between them that may turn out to be holes.

    Attributes:
        runs: Where they lie, by row and column.
        is_mine: Whether a strip reaches the threshold; those between don't, and hold no nodata.
        total: Sum of its probabilities in :data:`STEPS`.
        highest: float32, its highest probability.
        at_edge: Whether a side of it touches nodata or the end of the raster.
        dates: Its clear dates; ``None`` if nobody counted.
    """

    runs: Runs
    is_mine: Flags
    total: Integers
    highest: Probability
    at_edge: Flags
    dates: DateCounts | None


@dataclass(frozen=True, eq=False)
class _Frame:
    """A block with the rows above and below it and a column at either side; beyond the raster there is no data."""

    block: ProbabilityRows
    probability: Probability

    @property
    def span(self) -> int:
        return int(self.probability.shape[1])

    def unframed(self, places: Integers) -> Integers:
        """Where pixels of the frame, counted row by row, are in the block."""
        row, column = np.divmod(places, self.span)
        return (row - 1) * (self.span - 2) + column - 1


def read_strips(blocks: Iterable[ProbabilityRows], size: tuple[int, int], grow: float, longest_gap: int) -> Strips:
    """Go through a map once; no more is kept of a block than its strips.

    Args:
        blocks: From top to bottom, without a gap, of any heights.
        size: Height and width of the raster.
        grow: Probability from which a pixel belongs to a mine.
        longest_gap: Strips between two mines of a row are kept up to this number of pixels.

    Returns:
        The strips of the whole raster.

    Raises:
        ValueError: If blocks don't fit the raster or each other, or only some of them count clear dates.
    """
    return _join([_find_strips(frame, grow, longest_gap) for frame in _frame(_check(blocks, size), size[1])])


def _check(blocks: Iterable[ProbabilityRows], size: tuple[int, int]) -> Iterator[ProbabilityRows]:
    height, width = size
    row = 0
    for block in blocks:
        rows = len(block.probability)
        if block.probability.shape != (rows, width) or block.first_row != row or row + rows > height:
            raise ValueError(
                f"A map of {block.probability.shape} from row {block.first_row} does not fit a raster of {size} pixels "
                f"whose next row is {row}."
            )
        row += rows
        if rows:
            yield block
    if row != height:
        raise ValueError(f"A map of {row} rows does not fit a raster of {size} pixels.")


def _frame(blocks: Iterator[ProbabilityRows], width: int) -> Iterator[_Frame]:
    above = np.full(width, np.nan, dtype=np.float32)
    for block, following in pairwise(chain(blocks, [None])):
        assert block is not None  # noqa: S101 - only the last one is
        framed = np.full((len(block.probability) + 2, width + 2), np.nan, dtype=np.float32)
        framed[0, 1:-1] = above
        framed[1:-1, 1:-1] = block.probability
        if following is not None:
            framed[-1, 1:-1] = following.probability[0]
        yield _Frame(block, framed)
        above = block.probability[-1]


def _find_strips(frame: _Frame, grow: float, longest_gap: int) -> Strips:
    values, span = frame.probability.ravel(), frame.span
    mine = np.flatnonzero(values[span:-span] >= grow) + span
    start = mine[np.diff(mine, prepend=-1) > 1]
    stop = mine[np.diff(mine, append=values.size) > 1] + 1
    between, behind = _gaps(values, start, stop, longest_gap)
    order = np.argsort(np.concatenate([start, between]), kind="stable")
    is_mine = np.repeat([True, False], [len(start), len(between)])[order]
    return _describe(frame, np.concatenate([start, between])[order], np.concatenate([stop, behind])[order], is_mine)


def _gaps(values: Probability, start: Integers, stop: Integers, longest: int) -> tuple[Integers, Integers]:
    """Starts and stops of the short gaps between strips; those to the next row hold the frame, which is nodata."""
    between, behind = stop[:-1], start[1:]
    short = behind - between <= longest
    between, behind = between[short], behind[short]
    lengths = behind - between
    inside = values[spread(between, lengths)]
    known = ~np.isnan(np.maximum.reduceat(inside, np.cumsum(lengths) - lengths)) if len(lengths) else lengths > 0
    return between[known], behind[known]


def _describe(frame: _Frame, start: Integers, stop: Integers, is_mine: Flags) -> Strips:
    values, span = frame.probability.ravel(), frame.span
    lengths = stop - start
    pixels, first = spread(start, lengths), np.cumsum(lengths) - lengths
    row, column = np.divmod(start, span)
    runs = Runs(row - 1 + frame.block.first_row, column - 1, column - 1 + lengths)
    beside = np.isnan(values[pixels - span]) | np.isnan(values[pixels + span])
    steps = np.rint(values[pixels].astype(np.float64) * STEPS).astype(np.int64)
    return Strips(
        runs=runs,
        is_mine=is_mine,
        total=np.add.reduceat(steps, first),
        highest=np.maximum.reduceat(values[pixels], first),
        at_edge=np.isnan(values[start - 1]) | np.isnan(values[stop]) | np.logical_or.reduceat(beside, first),
        dates=_count_dates(frame.block.clear_dates, frame.unframed(start), lengths),
    )


def _count_dates(clear_dates: ClearDates | None, start: Integers, lengths: Integers) -> DateCounts | None:
    if clear_dates is None:
        return None
    numbers = clear_dates.ravel()[spread(start, lengths)].astype(np.int64)
    strip = np.repeat(np.arange(len(lengths)), lengths)
    changes = np.flatnonzero((np.diff(numbers, prepend=-1) != 0) | (np.diff(strip, prepend=-1) != 0))
    return DateCounts(strip[changes], numbers[changes], np.diff(changes, append=len(numbers)))


def _join(parts: Sequence[Strips]) -> Strips:
    before = np.cumsum([0] + [len(part.runs) for part in parts])
    return Strips(
        runs=Runs(
            np.concatenate([part.runs.row for part in parts]),
            np.concatenate([part.runs.start for part in parts]),
            np.concatenate([part.runs.stop for part in parts]),
        ),
        is_mine=np.concatenate([part.is_mine for part in parts]),
        total=np.concatenate([part.total for part in parts]),
        highest=np.concatenate([part.highest for part in parts]),
        at_edge=np.concatenate([part.at_edge for part in parts]),
        dates=_join_dates([part.dates for part in parts], before),
    )


def _join_dates(parts: Sequence[DateCounts | None], before: Integers) -> DateCounts | None:
    counted = [part for part in parts if part is not None]
    if not counted:
        return None
    if len(counted) < len(parts):
        raise ValueError("Clear dates are counted in some blocks of the map and not in others.")
    return DateCounts(
        np.concatenate([part.strip + shift for part, shift in zip(counted, before[:-1], strict=True)]),
        np.concatenate([part.number for part in counted]),
        np.concatenate([part.pixels for part in counted]),
    )
