"""The board that a region is laid out on: at most one feature a field, some of them mines."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mining_the_mines.simulation.canvas import Canvas, Cover
from mining_the_mines.simulation.lookalikes import LOOKALIKES
from mining_the_mines.simulation.mines import DIGGERS, Mine, MineKind, work_alluvium
from mining_the_mines.simulation.shapes import Position


@dataclass(frozen=True)
class Plan:
    """Plan of a region.

    Attributes:
        pixels: Edge in pixels of 10 m; a multiple of 6.
        slots: The region is laid out on a board of slots × slots fields, at most one feature a field.
        mines: Number of fields with a mine.
    """

    pixels: int
    slots: int
    mines: int


def settle(canvas: Canvas, plan: Plan, course: NDArray[np.float64] | None, rng: np.random.Generator) -> list[Mine]:
    """Put one feature on most fields of the board; mines last, so that nothing covers them.

    Args:
        canvas: To paint on.
        plan: Fields and mines.
        course: The river's middle line in metres, shape (n, 2), if there is one.
        rng: Random number generator.

    Returns:
        The mines.
    """
    pitch = canvas.metres / plan.slots
    centres = lay_board(canvas.metres, plan.slots, rng)
    claims = claim(centres, plan.mines, course, pitch, rng)
    free = [centre for number, centre in enumerate(centres) if number not in claims]
    for centre, lot in zip(free, lots(len(free), rng), strict=True):
        settle_lookalike(canvas, centre, pitch / 2, lot, rng)
    return [open_mine(canvas, kind, centres[number], pitch / 2, course, rng) for number, kind in claims.items()]


def lay_board(metres: float, slots: int, rng: np.random.Generator) -> list[Position]:
    """Place a feature in each field of a board, somewhere about its middle.

    Args:
        metres: Edge of the region.
        slots: Fields along an edge.
        rng: Random number generator.

    Returns:
        Centres in metres, in random order.
    """
    pitch = metres / slots
    fields = [(row, column) for row in range(slots) for column in range(slots)]
    centres = []
    for index in rng.permutation(len(fields)):
        row, column = fields[index]
        jitter = rng.uniform(-0.22, 0.22, 2)
        centres.append((float((column + 0.5 + jitter[0]) * pitch), float((row + 0.5 + jitter[1]) * pitch)))
    return centres


#: Frequency of each look-alike; the rest to 1 stays natural.
_FREQUENCY = (
    (Cover.TOWN, 0.11),
    (Cover.AQUACULTURE, 0.1),
    (Cover.CONSTRUCTION, 0.08),
    (Cover.BARE_SOIL, 0.1),
    (Cover.RESERVOIR, 0.1),
    (Cover.FARMLAND, 0.12),
    (Cover.ROAD, 0.05),
)
#: Frequency of each kind of mine, where there is a river.
_WORKED = ((MineKind.OPEN_PIT, 0.3), (MineKind.QUARRY, 0.2), (MineKind.ALLUVIAL, 0.2), (MineKind.ARTISANAL, 0.3))


def lots(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw numbers from 0 to 1 layer by layer: each stretch is met about as often as it is long, even by a few.

    Args:
        count: Number of lots.
        rng: Random number generator.

    Returns:
        The lots, shape (count,).
    """
    lots: NDArray[np.float64] = (rng.permutation(count) + rng.random(count)) / max(count, 1)
    return lots


def claim(
    centres: list[Position], mines: int, course: NDArray[np.float64] | None, pitch: float, rng: np.random.Generator
) -> dict[int, MineKind]:
    """Choose the fields that are mined, and how: those worked for alluvial gold lie by the river.

    Args:
        centres: Middles of the fields in metres.
        mines: Number of mines.
        course: The river's middle line in metres, shape (n, 2), if there is one.
        pitch: Width of a field in metres.
        rng: Random number generator.

    Returns:
        Kind of mine by the field's number in ``centres``.
    """
    by_river = [] if course is None else [n for n, centre in enumerate(centres) if _near(course, centre) < pitch]
    claims: dict[int, MineKind] = {}
    for lot in lots(mines, rng):
        kind = _worked(float(lot))
        banks = [number for number in by_river if number not in claims]
        if kind is MineKind.ALLUVIAL and not banks:
            kind = (MineKind.OPEN_PIT, MineKind.QUARRY, MineKind.ARTISANAL)[int(rng.integers(3))]
        free = banks if kind is MineKind.ALLUVIAL else [n for n in range(len(centres)) if n not in claims]
        claims[free[0]] = kind
    return claims


def _worked(lot: float) -> MineKind:
    shares = np.cumsum([share for _, share in _WORKED])
    return _WORKED[min(int(np.searchsorted(shares, lot, side="right")), len(_WORKED) - 1)][0]


def _near(course: NDArray[np.float64], centre: Position) -> float:
    return float(np.hypot(*(course - np.array(centre)).T).min())


def settle_lookalike(canvas: Canvas, centre: Position, reach: float, lot: float, rng: np.random.Generator) -> None:
    """Build the look-alike that a lot from 0 to 1 stands for, or none.

    Args:
        canvas: To paint on.
        centre: Middle of the field in metres.
        reach: Half the width of the field in metres.
        lot: Draws the kind.
        rng: Random number generator.
    """
    for cover, frequency in _FREQUENCY:
        lot -= frequency
        if lot < 0:
            LOOKALIKES[cover](canvas, centre, reach, rng)
            return


def open_mine(
    canvas: Canvas,
    kind: MineKind,
    centre: Position,
    reach: float,
    course: NDArray[np.float64] | None,
    rng: np.random.Generator,
) -> Mine:
    """Open a mine in a field.

    Args:
        canvas: To paint on.
        kind: Kind of mining; alluvial only where there is a river.
        centre: Middle of the field in metres.
        reach: Half the width of the field in metres.
        course: The river's middle line in metres, shape (n, 2), if there is one.
        rng: Random number generator.

    Returns:
        The mine.
    """
    if kind is not MineKind.ALLUVIAL or course is None:
        return DIGGERS[kind](canvas, centre, reach, rng)
    nearest = int(np.argmin(np.hypot(*(course - np.array(centre)).T)))
    half = max(int(reach * rng.uniform(0.2, 0.9) / 10), 2)
    return work_alluvium(canvas, course[max(nearest - half, 0) : nearest + half], reach, rng)
