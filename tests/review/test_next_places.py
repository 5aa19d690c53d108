"""Which places are reviewed next."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.mapping.scene_map import SceneMap
from mining_the_mines.review import next_places
from mining_the_mines.review.next_places import RANDOM_SHARE, Ranking, choose, rank_places
from mining_the_mines.review.places import Place
from support.mapped_periods import map_periods_here
from support.sites import YEARS


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, SceneMap]]:
    periods = map_periods_here(tmp_path_factory.mktemp("maps"))
    return [(each.period.name, found) for each in periods if each.result is not None for found in each.result.maps]


@pytest.fixture(autouse=True)
def _small_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells of 4 pixels, so that a small map has a hundred."""
    monkeypatch.setattr(next_places, "CELL", 4)


def doubt(place: Place) -> int:
    """How far its mean probability lies from one half, in percent."""
    return abs(int(place.hidden["Mean probability of mine"].removesuffix("%")) - 50)


def test_the_least_certain_come_first_and_every_fifth_is_random(maps: list[tuple[str, SceneMap]]) -> None:
    ranked = rank_places(maps, Ranking.UNCERTAIN, 10_000)
    assert len({place.place_id for place in ranked}) == len(ranked) == 200
    doubts = [doubt(place) for at, place in enumerate(ranked) if at % RANDOM_SHARE < RANDOM_SHARE - 1]
    assert doubts == sorted(doubts)
    assert [doubt(place) for place in ranked] != sorted(doubt(place) for place in ranked)
    assert ranked[:7] == rank_places(maps, Ranking.UNCERTAIN, 7)


def test_seeds_draw_other_random_places_beside_the_same_best_ones() -> None:
    first, second = choose(range(100), 10, seed=1), choose(range(100), 10, seed=2)
    assert first[:4] == second[:4] == [99, 98, 97, 96]
    assert first[4] != second[4]


def test_cells_lie_on_the_map(maps: list[tuple[str, SceneMap]]) -> None:
    west, south, east, north = maps[0][1].grid.wgs84_bounds
    places = rank_places(maps[:1], Ranking.RANDOM, 3)
    for place in places:
        assert west < place.longitude < east
        assert south < place.latitude < north
        assert place.outline is not None
    assert np.isfinite([place.longitude for place in places]).all()


def test_networks_differ_most_in_the_north(tmp_path: Path) -> None:
    (here,) = (found for each in map_periods_here(tmp_path, YEARS[:1]) if each.result for found in each.result.maps)
    with rasterio.open(here.probability) as source:
        profile, mean = source.profile, source.read(1)
    spread = np.linspace(200, 50, mean.shape[0]).astype(mean.dtype)[:, None] + np.zeros_like(mean)
    with rasterio.open(here.probability, "w", **profile | {"driver": "GTiff", "count": 2}) as target:
        target.write(np.stack([mean, spread]))
    ranked = rank_places([("", here)], Ranking.DISAGREEMENT, 40)
    latitudes = [place.latitude for at, place in enumerate(ranked) if at % RANDOM_SHARE < RANDOM_SHARE - 1]
    steps = np.diff(latitudes)
    assert (steps < 1e-4).all()
    assert steps.min() < -1e-4


def test_map_without_disagreement(maps: list[tuple[str, SceneMap]]) -> None:
    with pytest.raises(BadInputError, match=r"map again with mapping\.disagreement=true"):
        rank_places(maps, Ranking.DISAGREEMENT, 10)


def test_no_map() -> None:
    with pytest.raises(BadInputError, match="no map with data"):
        rank_places([], Ranking.NOVEL, 10)
