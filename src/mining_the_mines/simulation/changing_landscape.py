"""A region whose ground changes; a sensor may observe it as it is on any day."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mining_the_mines.simulation.board import claim, lay_board, lots, settle_lookalike
from mining_the_mines.simulation.canvas import Canvas
from mining_the_mines.simulation.changes import CHANGES, Change, Span, shift_river
from mining_the_mines.simulation.changing_mines import ChangingMine, Life, open_changing_mine
from mining_the_mines.simulation.landscape import Landscape, finish_landscape, lay_ground
from mining_the_mines.simulation.mines import Mine
from mining_the_mines.simulation.places import Place
from mining_the_mines.simulation.timed_ground import NEVER, copy_canvas

#: Of the old mines and of the new ones, the share that falls idle.
_IDLE_OLD: Final = 0.35
_IDLE_NEW: Final = 0.15


@dataclass(frozen=True)
class ChangingPlan:
    """Plan of a region that changes.

    Attributes:
        pixels: Edge in pixels of 10 m; a multiple of 6.
        slots: The region is laid out on a board of slots × slots fields, at most one feature a field.
        old: Number of fields with a mine that is older than the series.
        new: Number of fields with a mine that opens during the series.
        changes: Number of fields that change without a mine.
        span: Days of the series.
        openings: Days on which new mines open.
    """

    pixels: int
    slots: int
    old: int
    new: int
    changes: int
    span: Span
    openings: Span


@dataclass(frozen=True)
class ChangingLandscape:
    """A region through time.

    Attributes:
        base: The ground that everything else is laid on, without mines.
        mines: Mines, those that are older than the series first.
        changes: Changes that are no mines.
    """

    base: Landscape
    mines: tuple[ChangingMine, ...]
    changes: tuple[Change, ...]

    def at(self, day: int) -> Landscape:
        """Compose the ground of a day.

        Args:
            day: Ordinal of the day.

        Returns:
            The ground; it names no mines.
        """
        canvas = copy_canvas(_canvas(self.base))
        for change in self.changes:
            change.lay(canvas, day)
        for mine in self.mines:
            mine.ground.lay(canvas, day)
        return replace(
            self.base,
            elevation=canvas.elevation,
            first=canvas.first,
            second=canvas.second,
            share=canvas.share,
            texture=canvas.texture,
            cover=canvas.cover,
        )

    def mines_at(self, day: int) -> tuple[Mine, ...]:
        """Mines with their outlines of a day."""
        outlines = [(mine.mine.kind, mine.outline(day)) for mine in self.mines]
        return tuple(Mine(kind, outline) for kind, outline in outlines if not outline.is_empty)


def build_changing_landscape(place: Place, plan: ChangingPlan, rng: np.random.Generator) -> ChangingLandscape:
    """Lay out a region and everything that will happen to it.

    Args:
        place: Place of the region.
        plan: Its size, days, and numbers of mines and of other changes.
        rng: Random number generator.

    Returns:
        The region.
    """
    ground = lay_ground(place, plan.pixels, rng)
    canvas, course = ground.canvas, ground.course
    pitch = canvas.metres / plan.slots
    centres = lay_board(canvas.metres, plan.slots, rng)
    claims = claim(centres, plan.old + plan.new, course, pitch, rng)
    free = [centre for number, centre in enumerate(centres) if number not in claims]
    still = free[plan.changes :]
    for centre, lot in zip(still, lots(len(still), rng), strict=True):
        settle_lookalike(canvas, centre, pitch / 2, lot, rng)
    changes = [shift_river(canvas, course, ground.width, plan.span, rng)] if course is not None else []
    planners = list(CHANGES.values())
    for number, centre in enumerate(free[: plan.changes]):
        changes.append(planners[number % len(planners)](canvas, centre, pitch / 2, plan.span, rng))
    lives = _plan_lives(plan, rng)
    order = rng.permutation(len(claims))
    fields = [list(claims.items())[index] for index in order]
    mines = [
        open_changing_mine(canvas, kind, centres[number], pitch / 2, course, life, rng)
        for (number, kind), life in zip(fields, lives, strict=True)
    ]
    return ChangingLandscape(finish_landscape(place, ground, (), rng), tuple(mines), tuple(changes))


def _plan_lives(plan: ChangingPlan, rng: np.random.Generator) -> list[Life]:
    """Draw the days of old mines, some of which still grow or fall idle, and of new ones, spread over the series."""
    span = plan.span
    lives = []
    for lot in lots(plan.old, rng):
        opened, growth = span.first - int(rng.integers(200, 1800)), int(rng.integers(500, 2200))
        closed = int(rng.integers(span.first + 100, max(span.last - 300, span.first + 101)))
        lives.append(Life(opened, growth, closed if lot < _IDLE_OLD else NEVER))
    idle = rng.permutation(plan.new) < round(_IDLE_NEW * plan.new)
    for number, lot in enumerate(np.sort(lots(plan.new, rng))):
        opened = int(plan.openings.first + lot * (plan.openings.last - plan.openings.first))
        closed = opened + int(rng.integers(300, 700))
        lives.append(Life(opened, int(rng.integers(250, 900)), closed if idle[number] else NEVER))
    return lives


def _canvas(landscape: Landscape) -> Canvas:
    canvas = Canvas(landscape.first.shape[0], landscape.elevation)
    canvas.first, canvas.second, canvas.cover = landscape.first, landscape.second, landscape.cover
    canvas.share, canvas.texture = landscape.share, landscape.texture
    return canvas
