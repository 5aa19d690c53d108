"""Places, their UTM zones and MGRS tiles."""

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.warp import transform

from mining_the_mines.simulation.places import PROVINCES, Province, mgrs_tile, place_in


@pytest.mark.parametrize("province", PROVINCES, ids=lambda province: province.name)
def test_place_lies_in_its_province(province: Province) -> None:
    place = place_in(province.name, np.random.default_rng(0))
    west, south, east, north = province.box
    assert west <= place.longitude <= east
    assert south <= place.latitude <= north
    assert (place.name, place.biome) == (province.name, province.biome)


@pytest.mark.parametrize("province", PROVINCES, ids=lambda province: province.name)
def test_place_knows_its_utm_zone(province: Province) -> None:
    place = place_in(province.name, np.random.default_rng(0))
    assert (place.epsg // 100 == 327) == (place.latitude < 0)
    assert abs((place.epsg % 100) * 6 - 183 - place.longitude) <= 3


@pytest.mark.parametrize(
    ("epsg", "longitude", "latitude", "tile"),
    [
        (32632, 11.58, 48.14, "32UPU"),  # Munich
        (32630, -0.12, 51.51, "30UXC"),  # London
        (32719, -69.18, -12.6, "19LDG"),  # Puerto Maldonado
        (32721, -56.0, -6.0, "21MXP"),  # the Tapajós
    ],
)
def test_known_place_lies_in_its_tile(epsg: int, longitude: float, latitude: float, tile: str) -> None:
    (x,), (y,) = transform(CRS.from_epsg(4326), CRS.from_epsg(epsg), [longitude], [latitude])
    assert mgrs_tile(epsg, x, y, latitude) == tile


def test_every_place_has_tile_in_its_own_zone() -> None:
    for name in ("atacama", "sonora", "kalimantan"):
        place = place_in(name, np.random.default_rng(0))
        tile = mgrs_tile(place.epsg, 500_000, 5_000_000, place.latitude)
        assert tile[:2] == f"{place.epsg % 100:02d}"
        assert (tile[2] >= "N") == (place.latitude >= 0)
