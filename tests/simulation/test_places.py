"""Regions lie far apart, each in its own UTM zone."""

import numpy as np
import pytest

from mining_the_mines.bad_input import BadInputError
from mining_the_mines.simulation.places import MINIMUM_DISTANCE_KM, choose_places
from mining_the_mines.simulation.places import _distance_km as distance_km


def test_no_two_places_are_near_each_other() -> None:
    places = choose_places(45, np.random.default_rng(0))
    distances = [distance_km(a, b) for a in places for b in places if a is not b]
    assert min(distances) >= MINIMUM_DISTANCE_KM


def test_a_place_knows_its_utm_zone() -> None:
    for place in choose_places(15, np.random.default_rng(0)):
        assert (place.epsg // 100 == 327) == (place.latitude < 0)
        assert abs((place.epsg % 100) * 6 - 183 - place.longitude) <= 3


def test_too_many_places_are_refused() -> None:
    with pytest.raises(BadInputError, match="do not fit into the mining provinces"):
        choose_places(4000, np.random.default_rng(0))
