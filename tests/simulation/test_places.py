"""Regions lie in their mining province, each in its own UTM zone."""

import numpy as np
import pytest

from mining_the_mines.simulation.places import PROVINCES, Province, place_in


@pytest.mark.parametrize("province", PROVINCES, ids=lambda province: province.name)
def test_a_place_lies_in_its_province(province: Province) -> None:
    place = place_in(province.name, np.random.default_rng(0))
    west, south, east, north = province.box
    assert west <= place.longitude <= east
    assert south <= place.latitude <= north
    assert (place.name, place.biome) == (province.name, province.biome)


@pytest.mark.parametrize("province", PROVINCES, ids=lambda province: province.name)
def test_a_place_knows_its_utm_zone(province: Province) -> None:
    place = place_in(province.name, np.random.default_rng(0))
    assert (place.epsg // 100 == 327) == (place.latitude < 0)
    assert abs((place.epsg % 100) * 6 - 183 - place.longitude) <= 3
