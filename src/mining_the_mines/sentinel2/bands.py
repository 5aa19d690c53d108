"""The thirteen bands of Sentinel-2's MultiSpectral Instrument, known by name.

Wavelengths, widths and resolutions: ESA, *Sentinel-2 User Handbook* (2015), table "MSI bands", for Sentinel-2A.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
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

#: Names of bands by people and software, in small letters without what separates words. DEA and Digital Earth Africa
#: count near infrared (``nir_1``, ``nir_2``), Earth Search the red edge
#: (``rededge1``), the ``eo`` extension wavelengths.
_NAMES = MappingProxyType(
    {
        **{band.common_name: band.name for band in BANDS.values()},
        **dict.fromkeys(("coastalaerosol", "coastalblue", "ultrablue"), "B1"),
        **dict.fromkeys(("rededge1", "vegetationrededge1", "re1", "vre1", "rededge705"), "B5"),
        **dict.fromkeys(("rededge2", "vegetationrededge2", "re2", "vre2", "rededge740"), "B6"),
        **dict.fromkeys(("rededge3", "vegetationrededge3", "re3", "vre3", "rededge783"), "B7"),
        **dict.fromkeys(("nir1", "nearinfrared", "nirbroad", "broadnir", "nirwide", "widenir"), "B8"),
        **dict.fromkeys(("nir2", "nirnarrow", "narrownir", "narrownearinfrared", "nir8a", "rededge4", "re4"), "B8A"),
        **dict.fromkeys(("watervapour", "watervapor"), "B9"),
        **dict.fromkeys(("swir1", "shortwaveinfrared1", "swir1610"), "B11"),
        **dict.fromkeys(("swir2", "shortwaveinfrared2", "swir2190"), "B12"),
    }
)
#: Names that mean another band beside one that tells whose names they are: Digital Earth Australia counts WorldView's
#: short-wave bands, of which Sentinel-2 has the second and the third; FORCE calls B8A near infrared beside a broad one.
_BESIDE = MappingProxyType({"swir3": {"swir2": "B11", "swir3": "B12"}, "broadnir": {"nir": "B8A"}})
#: Words that say how a band was made, and not which it is.
_NEUTRAL = frozenset(
    (
        "median", "mean", "medoid", "min", "max", "first", "last", "mosaic", "composite", "geomedian", "p10", "p25",
        "p50", "p75", "p90", "sr", "toa", "boa", "surface", "reflectance", "refl", "sur", "nbart", "nbar", "s2",
        "s2a", "s2b", "s2c", "sentinel", "sentinel2", "l1c", "l2a", "msi", "10m", "20m", "60m", "resampled", "band",
        "um", "m",
    )
)  # fmt: skip
#: Words that say that a band holds something else than reflectance.
_NO_REFLECTANCE = frozenset(
    (
        "std", "stddev", "stdev", "sd", "variance", "var", "count", "counts", "mask", "qa", "flag", "flags", "diff",
        "anomaly", "trend", "slope", "uncertainty", "error", "snr", "angle", "azimuth", "zenith", "ratio", "index",
        "probability", "prob", "confidence", "residual", "tci", "visual",
    )
)  # fmt: skip
_CODE = re.compile(r"(?:^|[^a-z0-9])(?:band|b)[ _-]?0?(1[0-2]|8[ _-]?a|[1-9]a?)(?![a-z0-9])")
#: ``Band 1``, ``band_01``, ``Layer_2``, and ``b3`` as Earth Engine counts.
_COUNT = re.compile(r"\s*(?:[Bb]and|BAND|b|[Ll]ayer)[ _-]?0*(\d+[Aa]?)(?![A-Za-z0-9])")
_WAVELENGTH = re.compile(r"\(?\b\d+(?:\.\d+)? ?(?:nm|nanomet\w+|µm|um|micromet\w+)\b\)?")
_WORD = re.compile(r"[a-z0-9]+")
#: A date, or the number that Earth Engine puts before the bands of a collection.
_NUMBER = re.compile(r"^\d+$|^\d{8}t\d{6}$|^t\d{2}[a-z]{3}$")


def canonical_band_name(description: str | None) -> str | None:
    """Find the band that a name means by itself.

    Args:
        description: For example ``B2``, ``b02``, ``B8A``, ``Band 4``, ``nir``, ``red edge 1``, ``swir16``,
            ``B4_median`` or ``sur_refl_B08``; ``None`` for a raster band without description.

    Returns:
        The band's name as in :data:`BANDS`, or ``None`` if the description names no band, or more than one.
    """
    code, colour = _parse(description)
    return code if colour in (None, code) else (colour if code is None else None)


def name_bands(descriptions: Sequence[str | None]) -> tuple[str | None, ...]:
    """Find the bands that the band descriptions of a file mean, as they stand beside each other.

    Software that knows no names numbers the bands of a file: ``Band 1``, ``Band_2``, ``b3``. Where these numbers are no
    more than the places of the bands in the file, they name no band. Beside a colour (``Band 1: blue``) it counts.

    Args:
        descriptions: Description of each band, in the order of the file.

    Returns:
        The name of each band as in :data:`BANDS`; ``None`` where the description names none.
    """
    numbers = [_COUNT.match(description or "") for description in descriptions]
    places = [number is not None and number[1] == str(place) for place, number in enumerate(numbers, start=1)]
    only_numbers = all(is_place for is_place, number in zip(places, numbers, strict=True) if number is not None)
    words = {_joined(description) for description in descriptions}
    meant = {name: band for sign, names in _BESIDE.items() if sign in words for name, band in names.items()}
    names: list[str | None] = []
    for description, is_place in zip(descriptions, places, strict=True):
        _, colour = _parse(description)
        if _joined(description) in meant:
            names.append(meant[_joined(description)])
        elif is_place and (colour is not None or only_numbers):
            names.append(colour)
        else:
            names.append(canonical_band_name(description))
    return tuple(names)


@lru_cache(maxsize=1024)
def _parse(description: str | None) -> tuple[str | None, str | None]:
    """Return the band that a code names (``B4``), and the band that a colour names (``red``)."""
    text = (description or "").strip().lower()
    if _NO_REFLECTANCE & set(_WORD.findall(text)):
        return None, None
    codes = {re.sub("[ _-]", "", number) for number in _CODE.findall(text)}
    code = f"B{codes.pop().upper()}" if len(codes) == 1 else None
    colour = None if len(codes) > 1 else _NAMES.get(_joined(description))
    return code if code in BANDS else None, colour


def _joined(description: str | None) -> str:
    """The words of a description without codes, numbers and words that don't tell bands apart."""
    text = _WAVELENGTH.sub(" ", _CODE.sub(" ", (description or "").strip().lower()))
    words = [word for word in _WORD.findall(text) if word not in _NEUTRAL]
    while words and _NUMBER.match(words[0]):
        words.pop(0)
    return "".join(words)
