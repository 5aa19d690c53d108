"""Tiles have the names that real products of the same place have."""

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.warp import transform

from mining_the_mines.simulation.places import mgrs_tile, place_in


@pytest.mark.parametrize(
    ("epsg", "longitude", "latitude", "tile"),
    [
        (32632, 11.58, 48.14, "32UPU"),  # Munich
        (32630, -0.12, 51.51, "30UXC"),  # London
        (32719, -69.18, -12.6, "19LDG"),  # Puerto Maldonado
        (32721, -56.0, -6.0, "21MXP"),  # the Tapajós
    ],
)
def test_a_known_place_lies_in_its_tile(epsg: int, longitude: float, latitude: float, tile: str) -> None:
    (x,), (y,) = transform(CRS.from_epsg(4326), CRS.from_epsg(epsg), [longitude], [latitude])
    assert mgrs_tile(epsg, x, y, latitude) == tile


def test_every_place_has_a_tile_in_its_own_zone() -> None:
    for name in ("atacama", "sonora", "kalimantan"):
        place = place_in(name, np.random.default_rng(0))
        tile = mgrs_tile(place.epsg, 500_000, 5_000_000, place.latitude)
        assert tile[:2] == f"{place.epsg % 100:02d}"
        assert (tile[2] >= "N") == (place.latitude >= 0)
