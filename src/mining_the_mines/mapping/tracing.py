"""Outlines along the edges of pixels, from runs.

A run has a left and a right edge, one pixel high. Walking down left edges and up right ones keeps the patch on the left
hand; at the end of each edge, one look at the next row and one at the neighbour in the row tell which edge comes next.
Edges know nothing of blocks, so that nothing has to be dissolved: a ring has a vertex where it turns and nowhere else.
"""

from typing import Final

import numpy as np
import shapely
from affine import Affine
from shapely import GeometryType

from mining_the_mines.geo.mine_polygons import Coordinates, Geometries, place_pixels
from mining_the_mines.mapping.runs import Flags, Integers, Runs, label_runs, spread

_SHELL: Final = 0


def trace_runs(runs: Runs, labels: Integers, transform: Affine) -> Geometries:
    """Draw the outline of each patch.

    Args:
        runs: Runs that don't touch each other in their rows.
        labels: The patch of each, from 0 in the order of the patches' first pixels, as
            :func:`mining_the_mines.mapping.runs.label_runs` numbers them.
        transform: From (column, row) to map coordinates.

    Returns:
        A valid polygon for each patch, or a multipolygon if it hangs together by corners only. Shells begin at the left
        corner of the topmost row and run counter-clockwise where north is up; holes the other way round, in the order
        of their first pixels.
    """
    if not len(runs):
        return np.empty(0, dtype=np.object_)
    # Traced across corners, rings would touch themselves, which no valid polygon may. So pieces are traced that hang
    # together by their sides, and those of a patch joined: a multipolygon's parts may touch at points.
    pieces = label_runs(runs, 4)
    following = _following(runs, pieces)
    rings, heads, lengths = _walk(following)
    run_of_ring = heads // 2
    order = np.lexsort((heads, pieces[run_of_ring], labels[run_of_ring]))
    edges = rings[spread((np.cumsum(lengths) - lengths)[order], lengths[order])]
    corners, ends = _corners(runs, following, edges, np.cumsum(lengths[order]))
    # The first edge of a shell is a left one, that of a hole the right one of the run before it.
    shells = np.flatnonzero(heads[order] % 2 == _SHELL)
    polygons = shapely.from_ragged_array(
        GeometryType.POLYGON, place_pixels(transform, corners), (ends, np.append(shells, len(order)))
    )
    return _join_pieces(polygons, labels[run_of_ring[order[shells]]])


def _following(runs: Runs, pieces: Integers) -> Integers:
    """The edge after each: edge 2n is the left one of run n, 2n + 1 the right one."""
    following = np.empty(2 * len(runs), dtype=np.int64)
    following[0::2] = _after_left(runs, pieces)
    # By half a turn, right edges become left ones, and edge n becomes the n-th from the end.
    following[1::2] = 2 * len(runs) - 1 - _after_left(runs.turned(), pieces[::-1])[::-1]
    return following


def _after_left(runs: Runs, pieces: Integers) -> Integers:
    """The edge that follows each left one, whose lower end is reached."""
    number, last = np.arange(len(runs)), len(runs) - 1
    row, start, stop = runs.row, runs.start, runs.stop

    def beyond(there: Flags, reached: Integers, run: Integers, other: Integers) -> Flags:
        # Pieces of one patch that meet at a corner keep apart there; a piece that meets itself has a hole between.
        met: Flags = there & ((reached > 0) | ((reached == 0) & (pieces[run] == pieces[other])))
        return met

    under = np.searchsorted(runs.starts, (row + 1) * runs.span + start, side="right") - 1
    blocked = beyond(row[under] == row + 1, stop[under] - start, under, number)
    # Over a run that goes on to the left: along its top, up to its end or to the run before in this row.
    before = np.maximum(number - 1, 0)
    rises = beyond((number > 0) & (row[before] == row), stop[before] - start[under], before, under)
    leftward = np.where(rises, 2 * before + 1, 2 * under)
    # Over nothing: along the bottom of this run, up to its end or to the next run below.
    ahead = np.minimum(under + 1, last)
    sinks = beyond((under < last) & (row[ahead] == row + 1), stop - start[ahead], ahead, number)
    rightward = np.where(sinks, 2 * ahead, 2 * number + 1)
    return np.where(blocked, leftward, rightward)


def _walk(following: Integers) -> tuple[Integers, Integers, Integers]:
    """All edges ring by ring, the first edge of each ring, and its number of edges."""
    after, seen = following.tolist(), bytearray(len(following))
    rings: list[int] = []
    heads: list[int] = []
    bounds = [0]
    for head in range(len(after)):
        edge = head
        while not seen[edge]:
            seen[edge] = True
            rings.append(edge)
            edge = after[edge]
        if len(rings) > bounds[-1]:
            heads.append(head)
            bounds.append(len(rings))
    lengths = np.array(bounds[1:], dtype=np.int64) - np.array(bounds[:-1], dtype=np.int64)
    return np.array(rings, dtype=np.int64), np.array(heads, dtype=np.int64), lengths


def _corners(runs: Runs, following: Integers, edges: Integers, ends: Integers) -> tuple[Coordinates, Integers]:
    """Columns and rows of the corners of closed rings, and where each ring begins, with the total at the end."""
    column = np.column_stack((runs.start, runs.stop)).ravel()
    straight = (column == column[following]) & ((following - np.arange(len(following))) % 2 == 0)
    came_straight = np.empty_like(straight)
    came_straight[following] = straight
    right = edges % 2
    points = np.column_stack((np.repeat(column[edges], 2), np.repeat(runs.row[edges // 2], 2)))
    points[0::2, 1] += right
    points[1::2, 1] += 1 - right
    turns = np.column_stack((~came_straight[edges], ~straight[edges])).ravel()
    counts = np.diff(np.concatenate([[0], np.cumsum(turns)[2 * ends - 1]]))
    first = np.cumsum(counts) - counts
    closed = spread(first, counts + 1)
    closed[np.cumsum(counts + 1) - 1] = first
    corners: Coordinates = points[turns][closed].astype(np.float64)
    return corners, np.concatenate([[0], np.cumsum(counts + 1)])


def _join_pieces(polygons: Geometries, labels: Integers) -> Geometries:
    """One geometry a patch; labels rise and leave nothing out."""
    first = np.flatnonzero(np.diff(labels, prepend=-1))
    patches: Geometries = polygons[first]
    several = np.diff(np.append(first, len(labels))) > 1
    if several.any():
        chosen = several[labels]
        _, number = np.unique(labels[chosen], return_inverse=True)
        patches[several] = shapely.multipolygons(polygons[chosen], indices=number)
    return patches
