"""The thirteen bands of Sentinel-2's MultiSpectral Instrument, known by name.

Wavelengths, widths and resolutions: ESA, *Sentinel-2 User Handbook* (2015), table "MSI bands", for Sentinel-2A.
"""

import re
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Band:
    """One spectral band.

    Attributes:
        name: ESA's short name, such as ``B8A``.
        wavelength: Central wavelength in nanometres.
        width: Bandwidth in nanometres.
        resolution: Ground sampling distance in metres.
        common_name: Name of the STAC ``eo`` extension; it tells the red edge bands apart by number.
    """

    name: str
    wavelength: float
    width: float
    resolution: int
    common_name: str


BANDS = MappingProxyType(
    {
        band.name: band
        for band in (
            Band("B1", 442.7, 21, 60, "coastal"),
            Band("B2", 492.4, 66, 10, "blue"),
            Band("B3", 559.8, 36, 10, "green"),
            Band("B4", 664.6, 31, 10, "red"),
            Band("B5", 704.1, 15, 20, "rededge071"),
            Band("B6", 740.5, 15, 20, "rededge075"),
            Band("B7", 782.8, 20, 20, "rededge078"),
            Band("B8", 832.8, 106, 10, "nir"),
            Band("B8A", 864.7, 21, 20, "nir08"),
            Band("B9", 945.1, 20, 60, "nir09"),
            Band("B10", 1373.5, 31, 60, "cirrus"),
            Band("B11", 1613.7, 91, 20, "swir16"),
            Band("B12", 2202.4, 175, 20, "swir22"),
        )
    }
)

#: The order of the "Finding Mining Sites" competition: surface reflectance, hence without the cirrus band B10.
COMPETITION_BANDS = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11", "B12")

#: Displayed as red, green, blue.
TRUE_COLOUR = ("B4", "B3", "B2")
#: Bare ground and rock stand out in pink and cyan against green vegetation.
SHORT_WAVE_INFRARED = ("B12", "B8", "B4")

_BY_COMMON_NAME = MappingProxyType({band.common_name: band.name for band in BANDS.values()})


def canonical_band_name(description: str | None) -> str | None:
    """Find the band that a raster's band description names.

    Args:
        description: For example ``B2``, ``b02``, ``B8A``, ``Band 4``, ``nir`` or ``sur_refl_B08``; ``None`` for a
            raster band without description.

    Returns:
        The band's name as in :data:`BANDS`, or ``None`` if the description names no band.
    """
    if description is None:
        return None
    text = description.strip().lower()
    if text in _BY_COMMON_NAME:
        return _BY_COMMON_NAME[text]
    match = re.search(r"(?:^|[^a-z0-9])(?:band|b)[ _-]?0?(1[0-2]|[1-9](a?))(?![a-z0-9])", text)
    if match is None:
        return None
    name = f"B{match.group(1).upper()}"
    return name if name in BANDS else None
