"""Cut chips out of an observed landscape: where, and what to call them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mining_the_mines.bad_input import BadInputError
from mining_the_mines.simulation.canvas import CELL, Cover
from mining_the_mines.simulation.landscape import PIXEL, Landscape, Site
from mining_the_mines.simulation.mines import Mine

#: Pixels of a mine that a chip must hold to be called one. Fewer, and nobody could tell.
MINIMUM_MINE_PIXELS = 12
#: Share of a chip that something needs to give the chip its category, ahead of what it stands in.
_STRIKING = 0.05
_TRIES = 400


@dataclass(frozen=True)
class Window:
    """Where a chip lies in its landscape, and what it shows.

    Attributes:
        row: Of its upper left pixel.
        column: Of its upper left pixel.
        size: Edge in pixels.
        label: 1 if it shows a mine.
        category: The kind of mine, or the land cover that marks it.
    """

    row: int
    column: int
    size: int
    label: int
    category: str


def cut_windows(landscape: Landscape, size: int, mines: int, others: int, rng: np.random.Generator) -> list[Window]:
    """Choose where to cut chips: some on mines, the others free of any.

    Args:
        landscape: To cut from.
        size: Edge in pixels.
        mines: Chips that show a mine.
        others: Chips that show none.
        rng: Source of chance.

    Returns:
        The windows, those with mines first. They overlap as little as there is room for.

    Raises:
        BadInputError: If no more windows free of mines are found.
    """
    taken = np.zeros((landscape.pixels, landscape.pixels), np.bool_)
    shares = mine_shares(landscape)
    windows = []
    for mine in landscape.mines[:mines]:
        row, column = _around_mine(mine, shares, size, rng)
        taken[row : row + size, column : column + size] = True
        windows.append(Window(row, column, size, 1, mine.kind.value))
    sites = [site for site in landscape.sites if site.cover is not Cover.MINE][:others]
    for site in [*sites, *[None] * (others - len(sites))]:
        row, column = _free_of_mines(site.centre if site else None, shares > 0, taken, size, rng)
        taken[row : row + size, column : column + size] = True
        windows.append(_describe(landscape, row, column, size, site))
    return windows


def mine_shares(landscape: Landscape) -> NDArray[np.float32]:
    """Compute how much of each pixel of 10 m belongs to a mine, 0 to 1."""
    cells = (landscape.cover == Cover.MINE).astype(np.float32)
    factor = int(PIXEL / CELL)
    shares: NDArray[np.float32] = cells.reshape(landscape.pixels, factor, landscape.pixels, factor).mean(axis=(1, 3))
    return shares


def _around_mine(mine: Mine, shares: NDArray[np.float32], size: int, rng: np.random.Generator) -> tuple[int, int]:
    """Place a window so that the mine is in it, but anywhere in it."""
    limit = shares.shape[0] - size
    point = mine.outline.representative_point()
    middle = np.array([point.y, point.x]) / PIXEL
    best, most = (0, 0), -1.0
    enough = min(20 * MINIMUM_MINE_PIXELS, 0.6 * mine.outline.area / PIXEL**2)
    for attempt in range(12):
        spread = 0.3 if attempt < 8 else 0.1
        corner = middle - size / 2 + rng.uniform(-spread, spread, 2) * size
        row, column = np.clip(np.round(corner), 0, limit).astype(int).tolist()
        visible = float(shares[row : row + size, column : column + size].sum())
        if visible > most:
            best, most = (row, column), visible
        if visible >= enough:
            break
    return best


def _free_of_mines(
    near: tuple[float, float] | None,
    forbidden: NDArray[np.bool_],
    taken: NDArray[np.bool_],
    size: int,
    rng: np.random.Generator,
) -> tuple[int, int]:
    """Place a window near a feature, or anywhere, where no mine is and preferably no other chip."""
    limit = forbidden.shape[0] - size
    best: tuple[int, int] | None = None
    least = np.inf
    for attempt in range(_TRIES):
        if near is not None and attempt < 20:
            middle = np.array([near[1], near[0]]) / PIXEL
            corner = middle - size / 2 + rng.uniform(-0.35, 0.35, 2) * size
        else:
            corner = rng.uniform(0, limit + 1, 2) - 0.5
        row, column = np.clip(np.round(corner), 0, limit).astype(int).tolist()
        here = (slice(row, row + size), slice(column, column + size))
        if forbidden[here].any():
            continue
        overlap = float(taken[here].mean())
        if overlap < least:
            best, least = (row, column), overlap
        if overlap < 0.15:
            break
    if best is None:
        raise BadInputError(
            "A simulated region is so full of mines that no chip without one fits; lower mine_share or size."
        )
    return best


def _describe(landscape: Landscape, row: int, column: int, size: int, site: Site | None) -> Window:
    """Name a window without mine after the feature it was aimed at, if seen, else after what strikes the eye."""
    factor = int(PIXEL / CELL)
    cells = landscape.cover[row * factor : (row + size) * factor, column * factor : (column + size) * factor]
    counts = np.bincount(cells.ravel(), minlength=len(Cover)) / cells.size
    if site is not None and site.cover is not None and counts[site.cover] >= _STRIKING / 2:
        return Window(row, column, size, 0, site.cover.name.lower())
    striking = counts.copy()
    striking[[Cover.FOREST, Cover.SAVANNA, Cover.FARMLAND, Cover.OPEN_WATER]] = 0
    chosen = striking if striking.max() >= _STRIKING else counts
    return Window(row, column, size, 0, Cover(int(chosen.argmax())).name.lower())
