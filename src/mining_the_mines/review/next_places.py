"""Which places to review next: those from which a model learns most, and a share at random."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import rasterio
import shapely

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.mine_polygons import LON_LAT, transformation
from mining_the_mines.mapping.novelty_raster import NOVELTY
from mining_the_mines.mapping.probability_raster import read_small
from mining_the_mines.mapping.scene_map import SceneMap
from mining_the_mines.review.places import Place

#: Edge of a cell that is judged as one, in pixels of the map: 320 m of pixels of 10 m.
CELL: Final = 32
#: Every fifth place is drawn at random, so that reviews also find what the ranking would never show.
RANDOM_SHARE: Final = 5
_SEED: Final = 20260
Floating = TypeVar("Floating", bound=np.floating)


class Ranking(StrEnum):
    """Why a place is reviewed next."""

    UNCERTAIN = "uncertain"
    DISAGREEMENT = "disagreement"
    NOVEL = "novel"
    RANDOM = "random"


def rank_places(maps: Sequence[tuple[str, SceneMap]], ranking: Ranking, number: int) -> list[Place]:
    """Choose cells of maps to review next; the same maps give the same cells.

    Args:
        maps: Maps with the names of their periods.
        ranking: ``uncertain`` takes cells whose mean probability is nearest to one half, ``disagreement`` those on
            which the networks differ most, ``novel`` those farthest from the training chips; of these, every fifth is
            random.
        number: Most cells to choose.

    Returns:
        Cells in the order of review.

    Raises:
        BadInputError: There is no map, its model can't tell novelty, or it has no band of disagreement.
    """
    cells = [
        (score, period, found, row, column) for period, found in maps for score, row, column in _scores(found, ranking)
    ]
    if not cells:
        raise BadInputError("There is no map with data to choose places from: run kedro run --pipelines=mapping first.")
    return [_place(*cells[at][1:]) for at in choose([cell[0] for cell in cells], number)]


def choose(scores: npt.ArrayLike, number: int, seed: int = _SEED) -> list[int]:
    """Choose by score, the highest first, and every fifth at random.

    Args:
        scores: One a candidate; equal scores are drawn in random order.
        number: Most to choose.
        seed: Seed of the random ones.

    Returns:
        Positions of the chosen ones, in order.
    """
    expected = np.asarray(scores, dtype=np.float64)
    drawn = np.random.default_rng(seed).permutation(len(expected))
    ranked = drawn[np.argsort(-expected[drawn], kind="stable")]
    ahead, aside = (iter(order.tolist()) for order in (ranked, drawn))
    chosen: dict[int, None] = {}
    for turn in range(min(number, len(expected))):
        queue = aside if turn % RANDOM_SHARE == RANDOM_SHARE - 1 else ahead
        chosen[next(at for at in queue if at not in chosen)] = None
    return list(chosen)


def uncertainty(probability: npt.NDArray[Floating]) -> npt.NDArray[Floating]:
    """How near a probability of mine is to one half: 1 there, 0 at 0 and 1."""
    near: npt.NDArray[Floating] = 1 - np.abs(2 * probability - 1)
    return near


def _scores(found: SceneMap, ranking: Ranking) -> list[tuple[float, int, int]]:
    """Score, row and column of each cell with data."""
    side = max(1, max(found.grid.height, found.grid.width) // CELL)
    probability = found.small_probability(side)
    match ranking:
        case Ranking.UNCERTAIN:
            score = uncertainty(probability)
        case Ranking.DISAGREEMENT:
            score = _disagreement(found, side)
        case Ranking.NOVEL:
            score = _novelty(found, probability.shape, side)
        case Ranking.RANDOM:
            score = np.zeros_like(probability)
    rows, columns = np.nonzero(np.isfinite(probability) & np.isfinite(score))
    return [(float(score[row, column]), int(row), int(column)) for row, column in zip(rows, columns, strict=True)]


def _disagreement(found: SceneMap, side: int) -> npt.NDArray[np.float32]:
    with rasterio.open(found.probability) as source:
        bands = source.count
    if bands < 2:
        raise BadInputError(
            f"The map {found.name} has no band of the networks' disagreement: map again with "
            "mapping.disagreement=true (monitoring.mapping.disagreement=true for periods), or rank places by --next "
            "uncertain."
        )
    return read_small(found.probability, side, band=2)


def _novelty(found: SceneMap, shape: tuple[int, ...], side: int) -> npt.NDArray[np.float32]:
    path = found.folder / NOVELTY
    if not path.is_file():
        raise BadInputError(
            f"The model of the map {found.name} can't tell novelty: rank places by --next uncertain, or map with a "
            "newer model."
        )
    small = read_small(path, side)
    rows, columns = (np.arange(size) * have // size for size, have in zip(shape, small.shape, strict=True))
    return small[np.ix_(rows, columns)]


def _place(period: str, found: SceneMap, row: int, column: int) -> Place:
    """A cell as a place; its name tells where it is."""
    grid = found.grid
    side = max(1, max(grid.height, grid.width) // CELL)
    shape = found.small_probability(side).shape
    tall, wide = grid.height / shape[0], grid.width / shape[1]
    corners = [((column + right) * wide, (row + down) * tall) for right, down in ((0, 0), (1, 0), (1, 1), (0, 1))]
    ring = np.array([grid.transform @ corner for corner in corners])
    outline = shapely.Polygon(transformation(grid.crs.to_wkt(), LON_LAT)(ring))
    middle = outline.centroid
    name = "_".join(part for part in (found.name, period, f"{middle.y:.5f}", f"{middle.x:.5f}") if part)
    hidden = {"Mean probability of mine": f"{found.small_probability(side)[row, column]:.0%}"}
    return Place(name, found.name, period, middle.x, middle.y, outline, hidden=hidden)
