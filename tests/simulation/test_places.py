"""Places, their UTM zones and MGRS tiles."""

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.warp import transform

from mining_the_mines.simulation.places import PROVINCES, Province, mgrs_tile, place_in


@pytest.mark.parametrize("province", PROVINCES, ids=lambda province: province.name)
def test_place(province: Province) -> None:
    place = place_in(province.name, np.random.default_rng(0))
    west, south, east, north = province.box
    assert west <= place.longitude <= east
    assert south <= place.latitude <= north
    assert (place.name, place.biome) == (province.name, province.biome)
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
def test_tile(epsg: int, longitude: float, latitude: float, tile: str) -> None:
    (x,), (y,) = transform(CRS.from_epsg(4326), CRS.from_epsg(epsg), [longitude], [latitude])
    assert mgrs_tile(epsg, x, y, latitude) == tile
