"""Distances over the Earth's surface."""

import numpy as np
import pytest

from mining_the_mines.geo.great_circle import cluster_by_distance, nearest_distance, neighbours

NAN = float("nan")
#: Two points 22 km apart across the antimeridian, two 22 km apart across a pole, and one whose place is unknown.
PLACES = np.array([[179.9, 0.0], [-179.9, 0.0], [10.0, 89.9], [-170.0, 89.9], [NAN, 3.0]])


def test_clusters() -> None:
    assert len(set(cluster_by_distance(PLACES, 22)[:4])) == 4
    one, same, other, twin, unknown = cluster_by_distance(PLACES, 23)
    assert one == same != other == twin
    assert unknown == -1
    assert cluster_by_distance(PLACES, 30_000).tolist() == [0, 0, 0, 0, -1]


def test_chain() -> None:
    chain = np.stack([np.arange(10) * 0.9, np.zeros(10)], axis=1)  # steps of 100 km
    assert set(cluster_by_distance(chain, 101)) == {0}


@pytest.mark.parametrize("count", [0, 1])
def test_few_points(count: int) -> None:
    assert cluster_by_distance(PLACES[:count], 10).tolist() == [0] * count
    assert neighbours(PLACES[:count], 10).shape == (0, 2)


def test_neighbours() -> None:
    assert sorted(map(tuple, neighbours(PLACES, 23).tolist())) == [(0, 1), (2, 3)]


def test_nearest_distance() -> None:
    assert nearest_distance(PLACES[:1], PLACES[1:]) == pytest.approx(22.24, abs=0.01)
    assert nearest_distance(PLACES[:1], PLACES[4:]) == float("inf")
