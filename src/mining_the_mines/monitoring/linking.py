"""Mines of a period, linked with each other and with the ground of sites."""

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mining_the_mines.geo.vector_files import Geometries

Integers = npt.NDArray[np.int64]
Positions = npt.NDArray[np.intp]


def connect(mines: Geometries, ground: Geometries, metres: float) -> tuple[Integers, tuple[Positions, Integers]]:
    """Number the groups of mines that belong together.

    Returns:
        Number of each mine's group, from 0 in the order of the mines; and pairs of tracks and groups that touch.
    """
    tree = shapely.STRtree(mines)
    first, second = tree.query(mines, predicate="dwithin", distance=metres)
    track, mine = tree.query(ground, predicate="dwithin", distance=metres)
    size = len(mines) + len(ground)
    rows, columns = np.concatenate((first, track + len(mines))), np.concatenate((second, mine))
    links = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size))
    _, component = connected_components(links, directed=False)
    numbers, labels = np.unique(component[: len(mines)], return_inverse=True)
    touched = np.unique(track)
    return labels, (touched, np.searchsorted(numbers, component[len(mines) + touched]))


def unite(shapes: Geometries, labels: Integers) -> Geometries:
    """Unite the shapes of each label."""
    order = np.argsort(labels, kind="stable")
    groups = np.split(shapes[order], np.flatnonzero(np.diff(labels[order])) + 1) if len(shapes) else []
    united = [group[0] if len(group) == 1 else shapely.union_all(_sorted(group)) for group in groups]
    return np.array(united, dtype=object)


def _sorted(shapes: Geometries) -> Geometries:
    """Shapes in an order of their own, so that their union does not depend on the order of the map's polygons."""
    return shapes[np.lexsort(shapely.bounds(shapes).T)]


def unite_pairs(first: Geometries, second: Geometries) -> Geometries:
    """Unite pairs of shapes; where one is the other there is nothing to do."""
    joined = first.copy()
    (different,) = np.nonzero(~shapely.equals_exact(first, second))
    joined[different] = shapely.union(first[different], second[different])
    return joined
