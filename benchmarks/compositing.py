"""Composites: how fast the median over clear dates is, against what others take for it.

``kernel``: 4 bands of 512 × 512 pixels, 35 % of them masked, on 12, 24 and 48 dates, one thread, in one run. Ours is
:func:`mining_the_mines.sentinel2.masked_median.masked_median`, from uint16 and a mask to float32. ``np.nanmedian``,
which eo-learn calls, and ``bottleneck.nanmedian`` get the float32 with NaN that they need, made beforehand and not
counted. The results must be equal bit for bit. At least 12, 20 and 25 times the speed of the first is wanted, and 2, 3
and 3 times that of the second. What would be simpler than a sorting network is timed beside: masked numbers pushed to
the end, then ``np.sort`` or ``np.partition`` over the dates, or a copy with the dates side by side and ``np.sort``; the
numbers in the middle are then picked by the number of clear dates.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, Final

import bottleneck  # type: ignore[import-untyped] # it publishes no types
import numpy as np
import numpy.typing as npt

from mining_the_mines.sentinel2.masked_median import masked_median

BANDS, SIZE, MASKED = 4, 512, 0.35
#: Dates → how many times faster than np.nanmedian, and than bottleneck.nanmedian.
LIMITS: Final = {12: (12, 2), 24: (20, 3), 48: (25, 3)}
#: Ours is over in milliseconds, so that it takes many rounds until nothing else came in between.
OUR_ROUNDS, THEIR_ROUNDS = 15, 3

Array = npt.NDArray[Any]


def make_dates(dates: int) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.bool_]]:
    """Make up digital numbers (dates, bands, height, width) and where they are clear (dates, height, width)."""
    random = np.random.default_rng(dates)
    numbers = random.integers(900, 6000, (dates, BANDS, SIZE, SIZE)).astype(np.uint16)
    return numbers, random.random((dates, SIZE, SIZE)) >= MASKED


def sort_dates(numbers: npt.NDArray[np.uint16], clear: npt.NDArray[np.bool_]) -> Array:
    """Sort plane by plane, masked numbers last."""
    return _pick(np.sort(_masked_last(numbers, clear), axis=0), clear)


def partition_dates(numbers: npt.NDArray[np.uint16], clear: npt.NDArray[np.bool_]) -> Array:
    """Sort no further than the highest place at which a middle number may be."""
    places = list(range(len(clear) // 2 + 1))
    return _pick(np.partition(_masked_last(numbers, clear), places, axis=0), clear)


def sort_side_by_side(numbers: npt.NDArray[np.uint16], clear: npt.NDArray[np.bool_]) -> Array:
    """Copy, so that the dates of a pixel lie side by side, and sort these."""
    beside = np.ascontiguousarray(np.moveaxis(_masked_last(numbers, clear), 0, -1))
    beside.sort(axis=-1)
    return _pick(np.moveaxis(beside, -1, 0), clear)


def _masked_last(numbers: npt.NDArray[np.uint16], clear: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint16]:
    return np.where(clear[:, None], numbers, np.uint16(65535))


def _pick(ascending: npt.NDArray[np.uint16], clear: npt.NDArray[np.bool_]) -> Array:
    counts = clear.sum(axis=0)[None, None]
    lower = np.take_along_axis(ascending, np.maximum(counts - 1, 0) // 2, axis=0)[0]
    higher = np.take_along_axis(ascending, np.minimum(counts // 2, len(ascending) - 1), axis=0)[0]
    middle = (lower.astype(np.float32) + higher) / 2
    return np.where(counts[0] == 0, np.nan, middle).astype(np.float32)


def best_of(rounds: int, function: Callable[..., Array], *arguments: Array) -> tuple[float, Array]:
    """Seconds of the fastest of some calls, and what it gave."""
    fastest = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        result = function(*arguments)
        fastest = min(fastest, time.perf_counter() - start)
    return fastest, result


def kernel() -> bool:
    """Time the median alone; whether it is as fast as wanted, and equal."""
    print(f"Median of {BANDS} × {SIZE} × {SIZE} pixels, {MASKED:.0%} masked, one thread, best of several rounds:")
    print("dates      ours   times as fast as np.nanmedian, bottleneck; np.sort, np.partition, sort side by side")
    return min([_kernel_of(dates, *limits) for dates, limits in LIMITS.items()])


def _kernel_of(dates: int, against_numpy: float, against_bottleneck: float) -> bool:
    numbers, clear = make_dates(dates)
    with_nan = np.where(clear[:, None], numbers, np.nan).astype(np.float32)
    simpler = (sort_dates, partition_dates, sort_side_by_side)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice")
        first, ours = best_of(OUR_ROUNDS, masked_median, numbers, clear)
        theirs = [best_of(THEIR_ROUNDS, median, with_nan) for median in (_nanmedian, _bottleneck)]
        theirs += [best_of(THEIR_ROUNDS, median, numbers, clear) for median in simpler]
        second, _ = best_of(OUR_ROUNDS, masked_median, numbers, clear)
    seconds = min(first, second)
    equal = all(np.array_equal(ours, median, equal_nan=True) for _, median in theirs)
    numpy, bottlenecks, *others = (taken / seconds for taken, _ in theirs)
    print(
        f"{dates:5} {seconds * 1e3:6.1f} ms   {numpy:.1f} (at least {against_numpy} wanted), {bottlenecks:.1f} "
        f"(at least {against_bottleneck} wanted); {', '.join(f'{other:.1f}' for other in others)}; "
        f"{'equal bit for bit' if equal else 'NOT EQUAL'}"
    )
    return equal and numpy >= against_numpy and bottlenecks >= against_bottleneck


def _nanmedian(with_nan: Array) -> Array:
    median: Array = np.nanmedian(with_nan, axis=0)
    return median


def _bottleneck(with_nan: Array) -> Array:
    median: Array = bottleneck.nanmedian(with_nan, axis=0)
    return median


PARTS: Final[dict[str, Callable[[], bool]]] = {"kernel": kernel}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, action="append", help="What to measure; all by default.")
    chosen = parser.parse_args().part or list(PARTS)
    sys.exit(0 if min([PARTS[part]() for part in chosen]) else 1)
