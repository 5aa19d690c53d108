"""Where on Earth the simulated regions lie: mining provinces, UTM zones and MGRS tiles.

Letters of tiles: NGA.STND.0037, *Universal Grids and the Transverse Mercator and Polar Stereographic Map Projections*
(2014), scheme AA, the usual one for WGS 84.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np


class Biome(StrEnum):
    """Natural vegetation of a place."""

    RAINFOREST = "rainforest"
    SAVANNA = "savanna"
    DRYLAND = "dryland"


@dataclass(frozen=True)
class Province:
    """A mining province, as a rough box in degrees (west, south, east, north)."""

    name: str
    biome: Biome
    box: tuple[float, float, float, float]


#: Real mining provinces, so that coordinates fall where mines do; the landscapes themselves are made up.
PROVINCES = (
    Province("tapajos", Biome.RAINFOREST, (-58.5, -8.0, -54.5, -5.0)),
    Province("madre_de_dios", Biome.RAINFOREST, (-71.5, -13.5, -69.0, -12.0)),
    Province("guiana_shield", Biome.RAINFOREST, (-60.5, 3.0, -53.0, 6.5)),
    Province("choco", Biome.RAINFOREST, (-77.0, 4.5, -74.5, 7.5)),
    Province("ashanti", Biome.RAINFOREST, (-2.8, 5.3, -1.0, 7.0)),
    Province("kalimantan", Biome.RAINFOREST, (110.5, -2.8, 115.5, 0.0)),
    Province("carajas", Biome.RAINFOREST, (-51.5, -7.0, -49.5, -5.5)),
    Province("copperbelt", Biome.SAVANNA, (25.0, -13.5, 29.0, -10.5)),
    Province("lake_victoria", Biome.SAVANNA, (32.0, -5.0, 35.0, -2.5)),
    Province("minas_gerais", Biome.SAVANNA, (-47.5, -21.0, -42.5, -17.5)),
    Province("birimian", Biome.SAVANNA, (-11.5, 11.0, -1.0, 13.5)),
    Province("highveld", Biome.SAVANNA, (27.0, -27.0, 30.5, -25.0)),
    Province("eastern_goldfields", Biome.DRYLAND, (120.5, -31.5, 123.5, -26.5)),
    Province("atacama", Biome.DRYLAND, (-70.2, -27.5, -68.5, -21.5)),
    Province("sonora", Biome.DRYLAND, (-112.5, 28.5, -108.5, 31.5)),
)


@dataclass(frozen=True)
class Place:
    """One simulated region.

    Attributes:
        name: Identifies it.
        biome: Natural vegetation.
        longitude: Longitude of the region's centre in degrees.
        latitude: Latitude of the region's centre in degrees.
    """

    name: str
    biome: Biome
    longitude: float
    latitude: float

    @property
    def epsg(self) -> int:
        """The EPSG code of the UTM zone, WGS 84."""
        zone = int((self.longitude + 180) // 6) + 1
        return (32600 if self.latitude >= 0 else 32700) + zone


def place_in(province: str, rng: np.random.Generator) -> Place:
    """Draw a place in a mining province.

    Args:
        province: Name of one of :data:`PROVINCES`; the place goes by it.
        rng: Random number generator.

    Returns:
        The place.
    """
    (chosen,) = (candidate for candidate in PROVINCES if candidate.name == province)
    west, south, east, north = chosen.box
    longitude, latitude = round(float(rng.uniform(west, east)), 4), round(float(rng.uniform(south, north)), 4)
    return Place(chosen.name, chosen.biome, longitude, latitude)


_BANDS: Final = "CDEFGHJKLMNPQRSTUVWX"
_COLUMNS: Final = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
_ROWS: Final = "ABCDEFGHJKLMNPQRSTUV"
_SQUARE: Final = 100_000


def mgrs_tile(epsg: int, easting: float, northing: float, latitude: float) -> str:
    """Name the square of 100 km that a point lies in.

    Args:
        epsg: UTM zone, WGS 84.
        easting: Metres.
        northing: Metres.
        latitude: Degrees, between −80 and 84.

    Returns:
        Zone, latitude band and square, such as ``21MUN``.
    """
    zone = epsg % 100
    band = _BANDS[min(int((latitude + 80) // 8), len(_BANDS) - 1)]
    column = _COLUMNS[(zone - 1) % 3][int(easting // _SQUARE) - 1]
    # In even zones, the letters start five further on.
    row = _ROWS[(int(northing // _SQUARE) + (5 if zone % 2 == 0 else 0)) % len(_ROWS)]
    return f"{zone:02d}{band}{column}{row}"
