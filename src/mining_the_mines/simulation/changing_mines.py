"""Mines that open, grow, move along a river, fall idle and green over."""

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree
from shapely import MultiPolygon

from mining_the_mines.simulation.board import open_mine
from mining_the_mines.simulation.canvas import CELL, Canvas, Field, Patch
from mining_the_mines.simulation.mines import Mine, MineKind
from mining_the_mines.simulation.shapes import Position
from mining_the_mines.simulation.spectra import Material
from mining_the_mines.simulation.timed_ground import NEVER, Days, TimedPatch, record_painting

#: Days from one step of a mine's growth to the next.
_STEP: Final = 75
#: Square metres of a mine on its first day, at least.
_FIRST_FIELD: Final = 8_000
#: Days from the end of the works until plants come, for the first and for the last cell.
_FALLOW: Final = (90, 700)
#: Days that plants need to close.
_REGROWTH: Final = 300
#: Days after which the ground behind a front that moves along a river is left.
_LEFT_BEHIND: Final = 450
#: Share of its ground that such a front works to the end.
_HEAD: Final = 0.4
#: Square metres below which an outline is no mine.
_LEAST: Final = 1_000


@dataclass(frozen=True)
class Life:
    """Days of a mine's life.

    Attributes:
        opened: Ordinal of its first day.
        growth: Days until it has its full size.
        closed: Ordinal of the day on which it falls idle; :data:`NEVER` if it is worked to the end.
    """

    opened: int
    growth: int
    closed: int = NEVER


@dataclass(frozen=True)
class MineState:
    """An outline of a mine, and the days on which it holds.

    Attributes:
        first: Ordinal of the first day.
        last: Ordinal of the last day; :data:`NEVER` if it stays.
        outline: In metres from the region's upper left corner, y to the south; valid.
    """

    first: int
    last: int
    outline: MultiPolygon


@dataclass(frozen=True)
class ChangingMine:
    """A mine through time.

    Attributes:
        mine: Its kind, and its outline if all of it were open at once.
        life: Days of its life.
        ground: What it does to the ground; its road is there from the first day.
        within: Cells of the mine itself, without its road; shape of the ground's window.
    """

    mine: Mine
    life: Life
    ground: TimedPatch
    within: NDArray[np.bool_]

    def outline(self, day: int) -> MultiPolygon:
        """Disturbed ground on a day, in metres; empty before the mine opens and once it has greened over."""
        standing = self.ground.standing(day) & self.within
        return self.mine.outline if np.array_equal(standing, self.within) else self.ground.outline(standing)

    def states(self, first: int, last: int) -> list[MineState]:
        """All outlines between two days.

        Args:
            first: Ordinal of the first day.
            last: Ordinal of the last day.

        Returns:
            The outlines in the order of time, each until the day before the next. The first may have begun earlier.
        """
        halfway = (self.ground.recovery + 1) // 2
        closes = self.ground.closes[self.within & (self.ground.opens < NEVER) & (self.ground.closes < NEVER)] + halfway
        days = np.unique(np.concatenate([self.ground.opens[self.within], closes]))
        turns = [int(day) for day in days if day <= last]
        ends = [day - 1 for day in turns[1:]] + [NEVER]
        states = [
            MineState(begin, end, self.outline(begin)) for begin, end in zip(turns, ends, strict=True) if end >= first
        ]
        return [state for state in states if state.outline.area >= _LEAST]


def open_changing_mine(
    canvas: Canvas,
    kind: MineKind,
    centre: Position,
    reach: float,
    course: NDArray[np.float64] | None,
    life: Life,
    rng: np.random.Generator,
) -> ChangingMine:
    """Plan a mine that grows from its first field outwards, or along the river.

    Args:
        canvas: The ground before, which stays as it is.
        kind: Kind of mining.
        centre: Its middle in metres.
        reach: Half the width that it may take, in metres.
        course: The river's middle line in metres, shape (n, 2), if there is one.
        life: Days of its life.
        rng: Random number generator.

    Returns:
        The mine.
    """
    mine, layers = record_painting(
        canvas, partial(open_mine, kind=kind, centre=centre, reach=reach, course=course, rng=rng)
    )
    rows, columns = layers.patch.window
    outline = canvas.patch(mine.outline)
    within = np.zeros((canvas.side, canvas.side), np.bool_)
    within[outline.window] = outline.mask
    site = Patch(rows, columns, within[rows, columns] & layers.patch.mask)
    along = course if kind is MineKind.ALLUVIAL else None
    rank = _rank(site, _distance(site, centre, along, rng) * np.exp(0.2 * site.noise(60, rng)))
    opens = np.where(site.mask, _opening_days(rank, site, life, rng), life.opened)
    opens[opens > life.closed] = NEVER
    closes = np.full(opens.shape, NEVER, np.int32)
    if kind is MineKind.ALLUVIAL and rng.random() < 0.5:
        left = site.mask & (rank < 1 - _HEAD) & (opens < NEVER)
        closes[left] = opens[left] + max(_LEFT_BEHIND, life.growth // 2)
    if life.closed < NEVER:
        begin, end = _FALLOW
        fallow = begin + np.floor(_rank(site, site.depth() + 20 * site.noise(40, rng)) * (end - begin) / 60) * 60
        closes = np.where(site.mask, np.minimum(closes, life.closed + fallow), NEVER)
    ground = TimedPatch(layers, opens.astype(np.int32), closes.astype(np.int32), _REGROWTH, Material.GRASS)
    return ChangingMine(mine, life, ground, site.mask)


def _distance(site: Patch, centre: Position, course: NDArray[np.float64] | None, rng: np.random.Generator) -> Field:
    """Metres of each cell from the mine's first field; with a course, along the river."""
    rows, columns = np.mgrid[site.rows, site.columns]
    places = np.stack([(columns + 0.5) * CELL, (rows + 0.5) * CELL], axis=-1)
    if course is None:
        east, south = (places - np.array(centre)).transpose(2, 0, 1)
        return np.asarray(np.hypot(east, south), dtype=np.float32)
    along: Field = np.asarray(KDTree(course).query(places)[1] * 10, dtype=np.float32)
    if not site.mask.any():
        return along
    low, high = np.float32(along[site.mask].min()), np.float32(along[site.mask].max())
    return np.float32(20) + (along - low if rng.random() < 0.5 else high - along)


def _rank(site: Patch, values: Field) -> Field:
    """Rank of each cell of a site, from above 0 to 1."""
    ranks = np.ones(site.mask.shape, np.float32)
    own = values[site.mask]
    ranks[site.mask] = (np.argsort(np.argsort(own)) + 1) / max(own.size, 1)
    return ranks


def _opening_days(rank: Field, site: Patch, life: Life, rng: np.random.Generator) -> Days:
    """Day of each cell: a first field at once, the rest step by step, ever slower."""
    steps = max(life.growth // _STEP, 1)
    area = max(int(site.mask.sum()), 1) * CELL**2
    start = min(max(rng.uniform(0.15, 0.4), _FIRST_FIELD / area), 1.0)
    shares = start + (1 - start) * np.linspace(0, 1, steps + 1) ** 0.8
    days = life.opened + np.arange(steps + 1) * _STEP
    return days[np.minimum(np.searchsorted(shares, rank), steps)].astype(np.int32)
