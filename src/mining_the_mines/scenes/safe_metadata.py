"""Metadata of ESA's products: the XML documents of a SAFE folder, of level 1C and 2A and of all years.

ESA, *Sentinel-2 Products Specification Document* (S2-PDGS-TAS-DI-PSD). The names of elements changed over the years
(``PRODUCT_URI``, ``PRODUCT_URI_2A``), their meaning did not, so elements are found by name wherever they stand.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree as ET

import shapely

from mining_the_mines.sentinel2.bands import BANDS

#: Band identifiers of the documents: 0 is B1, 8 is B8A, 12 is B12.
_BAND_IDS: Final = {str(number): band for number, band in enumerate(BANDS)}
_QUANTIFICATION: Final = (
    "BOA_QUANTIFICATION_VALUE",
    "L2A_BOA_QUANTIFICATION_VALUE",
    "L1C_TOA_QUANTIFICATION_VALUE",
    "QUANTIFICATION_VALUE",
)
_OFFSETS: Final = ("BOA_ADD_OFFSET", "RADIO_ADD_OFFSET")
_URI: Final = ("PRODUCT_URI_2A", "PRODUCT_URI_1C", "PRODUCT_URI")
_IMAGES: Final = ("IMAGE_FILE", "IMAGE_FILE_2A", "IMAGE_ID", "IMAGE_ID_2A")
_CLOUDS: Final = ("Cloud_Coverage_Assessment", "CLOUD_COVERAGE_PERCENTAGE", "CLOUDY_PIXEL_PERCENTAGE")
_BASELINE: Final = re.compile(r"\d{2}\.\d{2}")
#: Rings of footprints: longitudes further apart than this lie across the antimeridian.
_HALF_WORLD: Final = 180


@dataclass(frozen=True)
class ProductMetadata:
    """What the document of a product says (``MTD_MSIL2A.xml``, ``MTD_MSIL1C.xml``); ``None`` where it does not.

    Attributes:
        uri: Name of the product with its suffix.
        baseline: Processing baseline as ``05.10``.
        platform: As ``sentinel-2b``.
        start: Time of the first line of the datatake, ISO 8601.
        generated: Time of the processing, ISO 8601.
        cloud_cover: Per cent.
        quantification: Digital numbers per unit of reflectance.
        offsets: By band, the digital numbers that are added before the division; empty in products without offset.
        special: Digital numbers of special values by name, such as ``NODATA`` and ``SATURATED``.
        images: Names of the image files without suffix, relative to the product.
        footprint: Polygon of the data in degrees of WGS 84, longitude first.
    """

    uri: str | None = None
    baseline: str | None = None
    platform: str | None = None
    start: str | None = None
    generated: str | None = None
    cloud_cover: float | None = None
    quantification: float | None = None
    offsets: Mapping[str, float] = field(default_factory=dict)
    special: Mapping[str, int] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    footprint: shapely.Polygon | None = None


def read_product_metadata(content: bytes) -> ProductMetadata | None:
    """Read the document of a product.

    Args:
        content: The XML.

    Returns:
        The facts; ``None`` if it is no XML that can be read, or says nothing of numbers.
    """
    root = _parsed(content)
    if root is None:
        return None
    quantification = _number(_text(root, _QUANTIFICATION))
    if quantification is None or quantification <= 0:
        return None
    baseline = _text(root, ("PROCESSING_BASELINE",))
    platform = _text(root, ("SPACECRAFT_NAME",))
    return ProductMetadata(
        uri=_text(root, _URI),
        baseline=baseline if baseline and _BASELINE.fullmatch(baseline) else None,
        platform=platform.lower() if platform else None,
        start=_text(root, ("PRODUCT_START_TIME",)),
        generated=_text(root, ("GENERATION_TIME",)),
        cloud_cover=_number(_text(root, _CLOUDS)),
        quantification=quantification,
        offsets=_offsets(root),
        special=_special(root),
        images=tuple(_texts(root, _IMAGES)),
        footprint=_footprint(_text(root, ("EXT_POS_LIST",))),
    )


def read_sensing_time(content: bytes) -> str | None:
    """Read the time at which a granule was sensed, ISO 8601, from its document (``MTD_TL.xml``); ``None`` without."""
    root = _parsed(content)
    return None if root is None else _text(root, ("SENSING_TIME",))


def read_file_sizes(content: bytes) -> dict[str, int]:
    """Read the sizes of files in bytes, by path relative to the product, from ``manifest.safe``; empty without."""
    root = _parsed(content)
    if root is None:
        return {}
    sizes = {}
    for stream in _elements(root, ("byteStream",)):
        size = stream.get("size", "")
        for place in _elements(stream, ("fileLocation",)):
            if size.isdecimal():
                sizes[place.get("href", "").removeprefix("./")] = int(size)
    return sizes


def _parsed(content: bytes) -> ET.Element | None:
    try:
        return ET.fromstring(content)  # noqa: S314 - expat reads no external entities, and limits internal ones
    except ET.ParseError:
        return None


def _elements(root: ET.Element, names: tuple[str, ...]) -> Iterator[ET.Element]:
    """Elements of some names, whatever their namespace; those of the first name first."""
    for name in names:
        yield from (element for element in root.iter() if element.tag.rpartition("}")[2] == name)


def _texts(root: ET.Element, names: tuple[str, ...]) -> Iterator[str]:
    return (text for element in _elements(root, names) if (text := (element.text or "").strip()))


def _text(root: ET.Element, names: tuple[str, ...]) -> str | None:
    return next(_texts(root, names), None)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _offsets(root: ET.Element) -> dict[str, float]:
    names = {**_BAND_IDS, **_physical_bands(root)}
    offsets = {}
    for element in _elements(root, _OFFSETS):
        band, value = names.get(element.get("band_id", "")), _number(element.text)
        if band is not None and value is not None:
            offsets[band] = value
    return offsets


def _physical_bands(root: ET.Element) -> dict[str, str]:
    """Names of bands by identifier, where the document lists them."""
    listed = _elements(root, ("Spectral_Information",))
    return {
        element.get("bandId", ""): element.get("physicalBand", "")
        for element in listed
        if element.get("physicalBand") in BANDS
    }


def _special(root: ET.Element) -> dict[str, int]:
    values = {}
    for element in _elements(root, ("Special_Values",)):
        name, index = _text(element, ("SPECIAL_VALUE_TEXT",)), _text(element, ("SPECIAL_VALUE_INDEX",))
        if name and index and index.isdecimal():
            values[name] = int(index)
    return values


def _footprint(text: str | None) -> shapely.Polygon | None:
    """Polygon of a list of latitudes and longitudes; ``None`` if there is none, or it lies across the antimeridian."""
    try:
        numbers = [float(part) for part in (text or "").split()]
    except ValueError:
        return None
    # Some documents give heights, too; then the ring does not close in pairs.
    latitudes, longitudes = numbers[::2], numbers[1::2]
    if len(latitudes) < 4 or len(latitudes) != len(longitudes):
        return None
    if max(map(abs, latitudes)) > 90 or max(longitudes) - min(longitudes) > _HALF_WORLD:
        return None
    polygon = shapely.Polygon(zip(longitudes, latitudes, strict=True))
    return polygon if polygon.is_valid and polygon.area > 0 else None
