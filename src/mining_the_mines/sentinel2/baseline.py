"""From the digital numbers of a product to those of this project, whatever its processing baseline.

Since processing baseline 04.00 (25 January 2022) a digital number is ``reflectance * 10000 + 1000``; before, it was
``reflectance * 10000``: ESA, *Sentinel-2 Products Specification Document*, BOA_ADD_OFFSET and RADIO_ADD_OFFSET. The
archive's Collection 1 (baselines 05.00 and later) has the offset on older dates too, so the date tells little. Catalogs
say what an asset holds in several places, which contradict each other:

- ``earthsearch:boa_offset_applied: true`` (``sentinel:…`` in Earth Search v0): the 1000 were taken off again when the
  asset was copied. It wins over everything: the same items go on to say ``offset: -0.1`` in ``raster:bands``, which
  was copied from the original product (https://github.com/Element84/earth-search/issues/66).
- ``raster:bands`` (STAC 1.0), ``raster:scale`` and ``raster:offset`` of an asset or its ``bands`` (STAC 1.1): written for
  this very file, they win over what is derived from the version of the product.
- The processing baseline: all that the Planetary Computer gives
  (https://github.com/microsoft/PlanetaryComputer/issues/134).
- ``boa_offset_applied: false`` says nothing: some of these assets have had the 1000 taken off as well
  (https://github.com/Element84/earth-search/issues/71). Only their pixels tell: :func:`offset_taken_twice`.
- The date, if there is nothing else: an assumption.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mining_the_mines.bad_input import BadInputError
from mining_the_mines.sentinel2.reflectance import LARGEST, NODATA, OFFSET, QUANTIFICATION

#: Processing baseline that brought the offset, and the day from which ESA used it.
FIRST_WITH_OFFSET: Final = 4.0
FIRST_DAY_WITH_OFFSET: Final = datetime(2022, 1, 25, tzinfo=UTC)
#: The digital number of a saturated pixel: ESA's products list it as special value SATURATED.
SATURATED: Final = 65_535

_APPLIED: Final = ("earthsearch:boa_offset_applied", "sentinel:boa_offset_applied")
_BASELINES: Final = ("s2:processing_baseline", "sentinel:processing_baseline", "processing:version")
_PRODUCTS: Final = ("s2:product_uri", "sentinel:product_id")
_DATES: Final = ("datetime", "start_datetime")


@dataclass(frozen=True)
class Scaling:
    """What the digital numbers of an asset stand for: ``reflectance = number * scale + offset``.

    Attributes:
        scale: Reflectance of one digital number.
        offset: Reflectance of the digital number 0, were it not kept for "no data".
        source: What said so, such as ``raster:bands`` or ``s2:processing_baseline 05.10``.
        conflict: A sentence for a warning, if the metadata contradict each other or say too little.
    """

    scale: float
    offset: float
    source: str
    conflict: str | None = None


def read_scaling(item_properties: Mapping[str, Any], asset_fields: Mapping[str, Any]) -> Scaling:
    """Find out what the digital numbers of an asset stand for.

    Args:
        item_properties: ``properties`` of the STAC item, as in its JSON.
        asset_fields: The asset, as in the item's JSON.

    Returns:
        Its scaling. See the module's text for what wins where the metadata contradict each other.

    Raises:
        BadInputError: If there is neither an offset, a processing baseline nor a date.
    """
    scale, offset, field = _said_of_asset(asset_fields)
    scale = scale or 1 / QUANTIFICATION
    applied = next((key for key in _APPLIED if item_properties.get(key) is True), None)
    if applied:
        conflict = None
        if offset:
            conflict = (
                f"{applied} is true but {field} gives an offset of {offset:g}: the first is taken to be right, so that "
                "no offset is taken off."
            )
        return Scaling(scale, 0.0, applied, conflict)
    version = _baseline(item_properties)
    derived = _offset_of(version[0] >= FIRST_WITH_OFFSET) if version else None
    if offset is not None:
        conflict = None
        if version and derived is not None and not np.isclose(offset, derived):
            conflict = (
                f"{field} gives an offset of {offset:g} but {version[1]} stands for one of {derived:g}: the first is "
                "taken to be right, for it is said of the file itself."
            )
        return Scaling(scale, offset, field, conflict)
    if version and derived is not None:
        return Scaling(scale, derived, version[1])
    return _by_date(item_properties, scale)


def harmonise(numbers: npt.NDArray[np.uint16], scaling: Scaling) -> npt.NDArray[np.uint16]:
    """Rewrite an asset's digital numbers as those of :mod:`mining_the_mines.sentinel2.reflectance`.

    Args:
        numbers: Digital numbers as read, of any shape.
        scaling: What they stand for.

    Returns:
        ``round(reflectance * 10000) + 1000`` of the same shape. No data (0) stays so, saturated pixels become it. What
        would fall to zero or below becomes 1, what would not fit becomes 65535.
    """
    every = np.arange(LARGEST + 1, dtype=np.float64)
    # The product is rounded before it is a reflectance: 0.0001 is no binary number, but its ten thousandfold is 1.
    steps = round(scaling.scale * QUANTIFICATION, 9)
    table = np.rint(every * steps + (round(scaling.offset * QUANTIFICATION, 6) + OFFSET))
    table = table.clip(1, LARGEST)
    table[[NODATA, SATURATED]] = NODATA
    harmonised: npt.NDArray[np.uint16] = table.astype(np.uint16)[numbers]
    return harmonised


#: Where the darkest ground lies if the offset was left in. Slightly negative reflectance reaches below 0.1; water,
#: shadow, and forest in the short-wave infrared, hardly beyond 0.05 above it.
_LEFT_IN: Final = (0.09, 0.15)
_VISIBLE: Final = ("B2", "B3", "B4")
_INFRARED: Final = ("B8", "B8A", "B11", "B12")


def offset_left_in(reflectance: npt.NDArray[np.float32], bands: Sequence[str]) -> bool:
    """Ask the pixels whether the +1000 of processing baseline 04.00 is still in them.

    The darkest ground of almost any picture (water, shadow, or plants, which are dark in visible light and, by their
    water, beyond 2 µm) reflects less than 0.05. If nothing is darker than 0.09 in any band, but the darkest lies just
    above it in both visible light and the infrared, the offset was not taken off. Deserts, snow and clouds are bright
    in one of the two, or dark in one.

    Args:
        reflectance: float32 (bands, height, width), NaN where there is no data.
        bands: Their names; without a visible and an infrared one, there is no telling.

    Returns:
        Whether it is.
    """
    darkest = _darkest(reflectance, bands)
    visible = [darkest[band] for band in _VISIBLE if band in darkest]
    infrared = [darkest[band] for band in _INFRARED if band in darkest]
    if not visible or not infrared:
        return False
    lowest, highest = _LEFT_IN
    return min(darkest.values()) >= lowest and max(min(visible), min(infrared)) <= highest


def _darkest(reflectance: npt.NDArray[np.float32], bands: Sequence[str]) -> dict[str, float]:
    """Half a percent of a band's pixels are darker: band → reflectance. B10 sees no ground."""
    found = {}
    for band, plane in zip(bands, reflectance, strict=True):
        known = plane[np.isfinite(plane)]
        if band != "B10" and known.size:
            found[band] = float(np.percentile(known, 0.5))
    return found


def _said_of_asset(asset: Mapping[str, Any]) -> tuple[float | None, float | None, str]:
    """Scale and offset as the asset's fields say, and the name of the field."""
    places: list[tuple[str, Mapping[str, Any], str]] = [
        ("raster:bands", (asset.get("raster:bands") or [{}])[0], ""),
        ("raster:offset", (asset.get("bands") or [{}])[0], "raster:"),
        ("raster:offset", asset, "raster:"),
    ]
    for name, fields, prefix in places:
        scale, offset = fields.get(f"{prefix}scale"), fields.get(f"{prefix}offset")
        if (scale, offset) not in ((None, None), (1, 0), (1, None)):
            return scale, offset, name
    return None, None, ""


def _baseline(properties: Mapping[str, Any]) -> tuple[float, str] | None:
    """Processing baseline as a number, and where it stands."""
    for key in _BASELINES:
        match = re.fullmatch(r"N?(\d{1,2})\.?(\d{1,2})", str(properties.get(key, "")).strip())
        if match:
            return float(f"{match[1]}.{match[2]}"), f"{key} {properties[key]}"
    for key in _PRODUCTS:
        match = re.search(r"_N(\d\d)(\d\d)_", str(properties.get(key, "")))
        if match:
            return float(f"{match[1]}.{match[2]}"), f"{key} {properties[key]}"
    return None


def _offset_of(shifted: bool) -> float:
    return -OFFSET / QUANTIFICATION if shifted else 0.0


def _by_date(properties: Mapping[str, Any], scale: float) -> Scaling:
    text = next((properties[key] for key in _DATES if properties.get(key)), None)
    if text is None:
        raise BadInputError(
            "A STAC item has neither an offset in raster:bands, nor s2:processing_baseline, nor a date, so that its "
            "digital numbers can't be read: add one of them."
        )
    taken = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    taken = taken if taken.tzinfo else taken.replace(tzinfo=UTC)
    offset = _offset_of(taken >= FIRST_DAY_WITH_OFFSET)
    conflict = (
        f"Neither raster:bands nor s2:processing_baseline says whether the numbers have an offset: by the date, "
        f"{taken:%Y-%m-%d}, it is taken to be {offset:g}."
    )
    return Scaling(scale, offset, "datetime", conflict)
