"""Holes in mines, small enough to be filled."""

import numpy as np

from mining_the_mines.geo.equal_area import Ground
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.mapping.runs import Flags, Integers, Runs, gaps_between, label_runs
from mining_the_mines.mapping.strips import Strips
from mining_the_mines.mapping.tracing import trace_runs


def fill_small_holes(strips: Strips, ground: Ground, largest: float, connectivity: int) -> Flags:
    """Tell which strips are mine once small holes are.

    What hangs together with nodata or with the end of the raster is no hole.

    Args:
        strips: Of the whole raster; what lies between mines and is not among them is no part of a small hole.
        ground: Of the raster.
        largest: Hectares up to which a hole is filled.
        connectivity: Of mines, 4 or 8.

    Returns:
        One flag a strip: mine, or part of a hole to be filled.
    """
    grid = ground.grid
    gaps = gaps_between(strips.runs[strips.is_mine], grid.height, grid.width)
    # Where mines hang together at corners, what is between them does not, and the other way round.
    labels = label_runs(gaps, 12 - connectivity)
    inside = strips.runs[~strips.is_mine & ~strips.at_edge]
    candidate = np.isin(_place(gaps, grid), _place(inside, grid))
    closed = ~np.isin(labels, labels[~candidate])
    holes = gaps[closed]
    _, numbers = np.unique(labels[closed], return_inverse=True)
    small = ground.measure(trace_runs(holes, numbers, grid.transform)) <= largest
    filled: Flags = np.isin(_place(strips.runs, grid), _place(holes[small[numbers]], grid))
    return strips.is_mine | filled


def _place(runs: Runs, grid: ChipGrid) -> Integers:
    """The first pixel of each run, counted row by row."""
    return runs.row * grid.width + runs.start
