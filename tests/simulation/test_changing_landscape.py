"""Mines open, grow and green over, and other things change, on known days."""

from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from mining_the_mines.simulation.canvas import CELL, Canvas, Cover
from mining_the_mines.simulation.changes import CHANGES, Change, ChangeKind, shift_river
from mining_the_mines.simulation.changing_landscape import ChangingLandscape
from mining_the_mines.simulation.changing_mines import ChangingMine, Life, open_changing_mine
from mining_the_mines.simulation.landscape import Landscape
from mining_the_mines.simulation.mines import MineKind
from mining_the_mines.simulation.shapes import meander
from mining_the_mines.simulation.timed_ground import NEVER
from support.simulated_regions import SPAN, changing_landscape

SIDE = 200
OPENED = date(2021, 3, 1).toordinal()


@pytest.fixture(scope="module")
def region() -> ChangingLandscape:
    return changing_landscape()


def canvas() -> Canvas:
    return Canvas(SIDE, np.zeros((SIDE, SIDE), np.float32))


def mine(kind: MineKind = MineKind.OPEN_PIT, closed: int = NEVER) -> ChangingMine:
    course = meander(SIDE * CELL, np.random.default_rng(1))
    life = Life(OPENED, 600, closed)
    return open_changing_mine(canvas(), kind, (500.0, 500.0), 300.0, course, life, np.random.default_rng(2))


def mined(ground: Landscape) -> float:
    """Square metres that are covered by mines."""
    return float(np.count_nonzero(ground.cover == Cover.MINE) * CELL**2)


@pytest.mark.parametrize("kind", list(MineKind))
def test_mine_opens_and_grows(kind: MineKind) -> None:
    one = mine(kind)
    assert one.outline(OPENED - 1).is_empty
    areas = [one.outline(OPENED + 50 * step).area for step in range(9)]
    assert areas[0] > 4_000
    assert all(earlier <= later * 1.001 for earlier, later in pairwise(areas))
    assert areas[-1] > 1.3 * areas[0]


def test_full_size() -> None:
    one = mine()
    assert one.outline(OPENED + 700).equals(one.mine.outline)


def test_states_follow_each_other() -> None:
    states = mine().states(OPENED - 10, OPENED + 400)
    assert states[0].first == OPENED
    assert all(later.first == earlier.last + 1 for earlier, later in pairwise(states))
    assert states[-1].last == NEVER
    assert all(later.outline.area > earlier.outline.area for earlier, later in pairwise(states))


def test_idle_mine_greens_over() -> None:
    one = mine(closed=OPENED + 250)
    areas = [one.outline(OPENED + 250 + days).area for days in (0, 400, 800, 1200)]
    assert areas[0] == max(areas) > 0
    assert areas[1] > areas[2] > areas[3] == 0
    assert one.states(OPENED, OPENED + 2000)[-1].last < OPENED + 1500


def test_front_moves_along_the_river() -> None:
    def moved(seed: int) -> float:
        course = meander(SIDE * CELL, np.random.default_rng(1))
        one = open_changing_mine(
            canvas(), MineKind.ALLUVIAL, (500.0, 500.0), 400.0, course, Life(OPENED, 600), np.random.default_rng(seed)
        )
        return float(one.outline(OPENED).difference(one.outline(OPENED + 1200)).area / one.outline(OPENED).area)

    left = [moved(seed) for seed in range(6)]
    assert max(left) > 0.9  # the first field is left behind
    assert min(left) < 0.1  # or stays


def test_ground_agrees_with_outlines(region: ChangingLandscape) -> None:
    for day in (SPAN.first, SPAN.last):
        outlines = sum(one.outline.area for one in region.mines_at(day))
        assert mined(region.at(day)) == pytest.approx(outlines, rel=0.1)


def test_ground_changes_with_mines_only(region: ChangingLandscape) -> None:
    still = ChangingLandscape(region.base, region.mines, ())
    newest = max(region.mines, key=lambda one: one.life.opened)
    before, after = still.at(newest.life.opened - 1), still.at(newest.life.opened)
    differs = before.first != after.first
    window = newest.ground.layers.patch.window
    assert differs[window].any()
    differs[window] = False
    assert not differs.any()


def test_days_do_not_depend_on_each_other(region: ChangingLandscape) -> None:
    first = region.at(SPAN.first).first
    region.at(SPAN.last)
    assert np.array_equal(region.at(SPAN.first).first, first)


def test_number_of_mines(region: ChangingLandscape) -> None:
    opened = [one.life.opened for one in region.mines]
    assert opened[0] < SPAN.first
    assert all(SPAN.first < day < SPAN.last for day in opened[1:])
    assert len(region.mines_at(SPAN.first)) == 1


def through_time(change: Change) -> list[Canvas]:
    """The ground of a change every 60 days."""
    grounds = []
    for day in range(SPAN.first, SPAN.last, 60):
        ground = canvas()
        change.lay(ground, day)
        grounds.append(ground)
    return grounds


def check_change(change: Change) -> None:
    grounds = through_time(change)
    assert any((one.first != other.first).any() for one, other in pairwise(grounds))
    assert not any((ground.cover == Cover.MINE).any() for ground in grounds)
    assert change.outline().area > 1000


@pytest.mark.parametrize("kind", list(CHANGES))
def test_change_is_no_mine(kind: ChangeKind) -> None:
    check_change(CHANGES[kind](canvas(), (500.0, 500.0), 300.0, SPAN, np.random.default_rng(1)))


def test_river_shifts() -> None:
    rng = np.random.default_rng(1)
    check_change(shift_river(canvas(), meander(SIDE * CELL, rng), 40.0, SPAN, rng))


def test_fire_recovers() -> None:
    change = CHANGES[ChangeKind.FIRE](canvas(), (500.0, 500.0), 300.0, SPAN, np.random.default_rng(1))
    ground = canvas()
    change.lay(ground, change.opened + 1000)
    assert np.array_equal(ground.first, canvas().first)
    assert np.array_equal(ground.share, canvas().share)
