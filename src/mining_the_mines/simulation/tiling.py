"""The tiles that Sentinel-2's products are cut into: squares of the Military Grid Reference System.

Letters: NGA.STND.0037, *Universal Grids and the Transverse Mercator and Polar Stereographic Map Projections* (2014),
scheme AA, the usual one for WGS 84.
"""

from typing import Final

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
