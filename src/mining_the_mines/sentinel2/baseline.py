"""Harmonise the digital numbers of products of all processing baselines.

Since processing baseline 04.00 (25 January 2022) a digital number is ``reflectance * 10000 + 1000``; before, it was
``reflectance * 10000``: ESA, *Sentinel-2 Products Specification Document*, BOA_ADD_OFFSET and RADIO_ADD_OFFSET. The
archive's Collection 1 (baselines from 05.00) has the offset on older dates too, so a date is weak evidence. Catalogs
state scale and offset in several places that contradict each other. In order of precedence:

1. ``earthsearch:boa_offset_applied: true`` (``sentinel:…`` in Earth Search v0): the 1000 were taken off when the asset
   was copied. The same items go on to say ``offset: -0.1`` in ``raster:bands``, as the original product does; the flag
   is the truth, say those who made them (https://github.com/Element84/earth-search/issues/9). A fault that is known
   and in every scene is no conflict.
2. ``raster:bands`` (raster extension v1), ``raster:scale`` and ``raster:offset`` of an asset or of its ``bands`` (v2):
   said of this very file, whereas the version of the product knows nothing of what was done to it since.
3. ``BOA_ADD_OFFSET`` or ``RADIO_ADD_OFFSET`` of the product's own metadata, as a property.
4. The processing baseline, as a property or in the product's name: all that the Planetary Computer gives
   (https://github.com/microsoft/PlanetaryComputer/issues/134).
5. An assumption, with a warning. A baseline outside ESA's order (99.99, 97.xx or 00.01) is that of one's own Sen2Cor,
   which adds an offset only if its level-1C product has one: none is assumed, and the date says nothing. Without any
   baseline, the date decides. A parameter of acquisition says otherwise.

The scale and offset in the tags of the file itself stand before those of its catalog (2).

``boa_offset_applied: false`` is no evidence: the 1000 were taken off some of these assets as well
(https://github.com/Element84/earth-search/issues/71). Only the pixels can show it:
:mod:`mining_the_mines.sentinel2.offset_checks`.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.sentinel2.reflectance import LARGEST, NODATA, OFFSET, QUANTIFICATION

#: Processing baseline that brought the offset, and the day from which ESA used it.
FIRST_WITH_OFFSET: Final = 4.0
FIRST_DAY_WITH_OFFSET: Final = date(2022, 1, 25)
#: The offset of ESA's products since then, as reflectance.
ESA_OFFSET: Final = -OFFSET / QUANTIFICATION
#: The digital number of a saturated pixel: ESA's products list it as special value SATURATED.
SATURATED: Final = 65_535

_APPLIED: Final = ("earthsearch:boa_offset_applied", "sentinel:boa_offset_applied")
#: Baselines of ESA's own processing lie in between.
_ESA_BASELINES: Final = (1.0, 90.0)
#: Offsets of ESA's product metadata, whatever the prefix that a catalog gives them.
_ADD_OFFSET: Final = re.compile(r"(?:^|[:_])(?:boa|radio)_add_offset(?:_values_list)?$", re.IGNORECASE)
_BASELINES: Final = ("s2:processing_baseline", "sentinel:processing_baseline", "processing:version")
_PRODUCTS: Final = ("s2:product_uri", "sentinel:product_id")
#: ``05.10``; ``5.1`` where it was taken for a number; ``N0510`` as in the names of products.
_WRITTEN_BASELINE: Final = re.compile(r"N?(\d{1,2})\.(\d{1,2})|N?(\d{2})(\d{2})")
#: In names such as ``S2A_MSIL2A_20220103T140051_N0301_R067_T21MUN_20220103T180000``.
_BASELINE_IN_NAME: Final = re.compile(r"_N(\d{2})(\d{2})(?:_|$)")
_DATES: Final = ("datetime", "start_datetime")
#: Atmospheric correction leaves dark ground slightly negative, but not by this reflectance: -9999, -999 and the like.
_IMPOSSIBLE: Final = -0.09


@dataclass(frozen=True)
class Scaling:
    """Scale and offset of the digital numbers of an asset: ``reflectance = number * scale + offset``.

    Attributes:
        scale: Reflectance of one digital number.
        offset: Reflectance of the digital number 0, which itself means "no data".
        source: Field that states them, such as ``raster:bands`` or ``s2:processing_baseline 05.10``.
        conflict: A sentence for a warning, if the metadata contradict each other or are incomplete.
    """

    scale: float
    offset: float
    source: str
    conflict: str | None = None


@dataclass(frozen=True)
class Baseline:
    """The version of ESA's processing that a product was made with.

    Attributes:
        version: As ``05.10``.
        source: Field that states it, such as ``s2:processing_baseline 05.10``.
    """

    version: str
    source: str

    @property
    def offset(self) -> float | None:
        """Reflectance of the digital number 0 in ESA's product; ``None`` for a baseline that is none of ESA's."""
        return _offset_since(FIRST_WITH_OFFSET, float(self.version)) if is_esa_baseline(self.version) else None


def is_esa_baseline(version: str) -> bool:
    """Whether a processing baseline is one of ESA's own, and not that of someone who ran Sen2Cor, such as ``99.99``."""
    first, end = _ESA_BASELINES
    return first <= float(version) < end


def read_baseline(item_properties: Mapping[str, Any], item_id: str = "") -> Baseline | None:
    """Find the processing baseline of a product.

    Args:
        item_properties: ``properties`` of the STAC item, as in its JSON.
        item_id: Its id; many catalogs use the product's name.

    Returns:
        The baseline; ``None`` if neither a property nor a name says.
    """
    for key in _BASELINES:
        written = _WRITTEN_BASELINE.fullmatch(str(item_properties.get(key)))
        if written:
            major, minor = written[1] or written[3], written[2] or written[4]
            return _baseline(f"{int(major):02}.{minor:0<2}", key)
    for key, name in (*((key, item_properties.get(key)) for key in _PRODUCTS), ("the item's id", item_id)):
        found = _BASELINE_IN_NAME.search(str(name).removesuffix(".SAFE"))
        if found:
            return _baseline(f"{found[1]}.{found[2]}", key)
    return None


def _baseline(version: str, said_by: str) -> Baseline:
    return Baseline(version, f"{said_by} {version}")


def read_scaling(
    item_properties: Mapping[str, Any],
    asset_fields: Mapping[str, Any],
    tags: tuple[float, float] = (1.0, 0.0),
    unstated: float | None = None,
    *,
    floats: bool = False,
) -> Scaling:
    """Read scale and offset of an asset from its metadata.

    Args:
        item_properties: ``properties`` of the STAC item, as in its JSON.
        asset_fields: The asset, as in the item's JSON.
        tags: Scale and offset in the tags of the file; 1 and 0 where there are none.
        unstated: Offset to use where nothing states it; ``None`` to assume one.
        floats: Whether the numbers are floats, of which a scale of 1 is meant. Reflectance has no offset that nobody
            states.

    Returns:
        Its scaling. The module's docstring gives the precedence of contradicting metadata.

    Raises:
        BadInputError: There is neither an offset, a processing baseline nor a date; or floats have no scale.
    """
    said = _said_of_asset(asset_fields, item_properties, tags, floats=floats)
    if floats and not said.field:
        raise BadInputError(
            "it holds floats, and neither the file nor its catalog says whether they are reflectance: add raster:scale "
            "(1 for reflectance, 0.0001 for digital numbers) to the asset"
        )
    if floats and said.scale == 1:
        return Scaling(1.0, said.offset or 0.0, said.field, said.note)
    baseline = read_baseline(item_properties)
    applied = next((key for key in _APPLIED if item_properties.get(key) is True), None)
    if applied:
        known_fault = said.offset is not None and math.isclose(said.offset, ESA_OFFSET, abs_tol=1e-6)
        conflict = None if known_fault else _contradiction(applied, 0.0, said.field, said.offset)
        return Scaling(said.scale, 0.0, applied, _sentences(said.note, conflict))
    if said.offset is not None:
        other, others = (baseline.source, baseline.offset) if baseline else ("", None)
        conflict = _contradiction(said.field, said.offset, other, others)
        return Scaling(said.scale, said.offset, said.field, _sentences(said.note, conflict))
    added = _added(item_properties, asset_fields)
    if added is not None:
        return Scaling(said.scale, added[1], added[0], said.note)
    return _unstated(item_properties, said, baseline, unstated)


def harmonise(numbers: npt.NDArray[Any], scaling: Scaling, nodata: float | None = None) -> npt.NDArray[np.uint16]:
    """Convert digital numbers to the encoding of :mod:`mining_the_mines.sentinel2.reflectance`.

    Args:
        numbers: Digital numbers as read, of any shape and type.
        scaling: Their scale and offset.
        nodata: Number of pixels without data, if it is stated.

    Returns:
        ``round(reflectance * 10000) + 1000`` of the same shape. No data stays so, saturated pixels become it. In
        unsigned numbers 0 is no data; in signed ones and floats, 0 is none where another number is stated, and so is
        all that reflects less than nothing by 0.09, as -9999 does. What would fall to zero or below becomes 1, larger
        numbers become 65535.
    """
    shift = round(scaling.offset * QUANTIFICATION, 6) + OFFSET
    usual = numbers.dtype == np.uint16 and nodata in (None, NODATA) and round(scaling.scale * QUANTIFICATION, 9) == 1
    if usual and 0 <= shift <= OFFSET and shift == int(shift):
        return _shifted(numbers, int(shift))
    if numbers.dtype.kind in "iu" and numbers.dtype.itemsize <= 2:
        table = _table(scaling.scale, scaling.offset, nodata, numbers.dtype.str)
        # Every number is in the table: "clip" only spares NumPy from checking.
        harmonised: npt.NDArray[np.uint16] = table.take(numbers.view(f"u{numbers.dtype.itemsize}"), mode="clip")
        return harmonised
    return _harmonised(numbers, scaling.scale, scaling.offset, nodata)


def _shifted(numbers: npt.NDArray[np.uint16], shift: int) -> npt.NDArray[np.uint16]:
    """The numbers of ESA's products with or without their offset: adding takes half the time of a table."""
    highest = np.uint16(LARGEST - shift)
    bright = numbers.size > 0 and numbers.max() >= highest
    shifted: npt.NDArray[np.uint16] = (np.minimum(numbers, highest) if bright else numbers) + np.uint16(shift)
    known = numbers != NODATA
    if bright:
        known &= numbers != SATURATED
    shifted *= known
    return shifted


@lru_cache(maxsize=64)
def _table(scale: float, offset: float, nodata: float | None, dtype: str) -> npt.NDArray[np.uint16]:
    """Lookup table of the harmonised digital number of each number of an integer type, read as unsigned."""
    bits = 8 * np.dtype(dtype).itemsize
    every = np.arange(2**bits).astype(f"u{bits // 8}").view(dtype)
    return _harmonised(every, scale, offset, nodata)


def _harmonised(numbers: npt.NDArray[Any], scale: float, offset: float, nodata: float | None) -> npt.NDArray[np.uint16]:
    # 0.0001 is no binary number, but its ten thousandfold is 1: rounded first, whole numbers stay whole.
    steps, shift = round(scale * QUANTIFICATION, 9), round(offset * QUANTIFICATION, 6) + OFFSET
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = numbers.astype(np.float64) * steps + shift
        missing = ~np.isfinite(scaled)
        if numbers.dtype.kind == "u":
            missing |= (numbers == NODATA) | (numbers == SATURATED)
        else:
            missing |= scaled <= OFFSET + _IMPOSSIBLE * QUANTIFICATION
            if nodata is None:
                missing |= numbers == NODATA
        if nodata is not None:
            missing |= numbers == nodata
    harmonised = np.rint(np.where(missing, NODATA, scaled.clip(1, LARGEST)))
    found: npt.NDArray[np.uint16] = harmonised.astype(np.uint16)
    return found


@dataclass(frozen=True)
class _Said:
    """Scale and offset in the fields of an asset, the field's name, and a note where a value was corrected."""

    scale: float
    offset: float | None
    field: str
    note: str | None = None


def _said_of_asset(
    asset: Mapping[str, Any], item: Mapping[str, Any], tags: tuple[float, float], *, floats: bool
) -> _Said:
    places: tuple[tuple[Mapping[str, Any], str, str], ...] = (
        ({"scale": tags[0], "offset": tags[1] or None} if tags != (1, 0) else {}, "", "the file's tags"),
        (_first_band(asset, "raster:bands"), "", "raster:bands"),
        (_first_band(asset, "bands"), "raster:", "bands"),
        (asset, "raster:", "raster:offset"),
        (item, "raster:", "raster:offset of the item"),
    )
    scale, note, field = None, None, ""
    for fields, prefix, name in places:
        own = _number(fields.get(f"{prefix}scale")), _number(fields.get(f"{prefix}offset"))
        # Software that knows no scale writes a reflectance of 1 per number.
        if own == (None, None) or (own in ((1, None), (1, 0)) and not floats):
            continue
        said = _Said(1.0, own[1], name) if own[0] == 1 and floats else _in_reflectance(*own, name)
        if said.offset is not None:
            return said if own[0] is not None or scale is None else _Said(scale, said.offset, name, said.note)
        if scale is None:
            scale, note, field = said.scale, said.note, name
    return _Said(1 / QUANTIFICATION if scale is None else scale, None, field, note)


def _first_band(asset: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    bands = asset.get(key)
    first = bands[0] if isinstance(bands, list) and bands else {}
    return first if isinstance(first, Mapping) else {}


def _added(*places: Mapping[str, Any]) -> tuple[str, float] | None:
    """The offset that ESA's metadata state (BOA_ADD_OFFSET), if the fields of an item or asset hold it."""
    for fields in places:
        for key, value in fields.items():
            first = value[0] if isinstance(value, list) and value else value
            number = _number(
                float(first) if isinstance(first, str) and re.fullmatch(r"-?\d+(\.\d+)?", first) else first
            )
            if number is not None and _ADD_OFFSET.search(key):
                return key, number / QUANTIFICATION if abs(number) >= 1 else number
    return None


def _in_reflectance(scale: float | None, offset: float | None, field: str) -> _Said:
    """Scale and offset as they must be meant: no surface reflects 1 a number, nor is darker than black by 1."""
    notes = []
    if scale is None or not 0 < scale < 1:
        if scale is not None:
            notes.append(
                f"{field} gives a scale of {scale:g}, which is no reflectance: {1 / QUANTIFICATION:g} is used."
            )
        scale = 1 / QUANTIFICATION
    if offset is not None and abs(offset) >= 1:
        meant = offset / QUANTIFICATION
        notes.append(f"{field} gives an offset of {offset:g}, in digital numbers: it is read as {meant:g}.")
        offset = meant
    return _Said(scale, offset, field, _sentences(*notes))


def _sentences(*notes: str | None) -> str | None:
    return " ".join(note for note in notes if note) or None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _contradiction(believed: str, offset: float, other: str, others: float | None) -> str | None:
    if others is None or math.isclose(offset, others, abs_tol=1e-6):
        return None
    return (
        f"By {believed} the numbers have an offset of {offset:g}, by {other} one of {others:g}: the first is believed."
    )


def _offset_since(first: Any, given: Any) -> float:  # noqa: ANN401 (numbers of versions, or dates)
    return ESA_OFFSET if given >= first else 0.0


def _unstated(properties: Mapping[str, Any], said: _Said, baseline: Baseline | None, unstated: float | None) -> Scaling:
    """Scaling where no offset is stated: by ESA's baseline, else by the parameter, else an assumption."""
    if baseline is not None and baseline.offset is not None:
        return Scaling(said.scale, baseline.offset, baseline.source, said.note)
    if unstated is not None:
        return Scaling(said.scale, unstated, "acquisition.offset", said.note)
    if baseline is None:
        return _by_date(properties, said)
    conflict = (
        f"{baseline.source} is none of ESA's, and nothing says whether the numbers have an offset: it is taken to be "
        "0; set acquisition.offset to -0.1 if the 1000 of baseline 04.00 is in them, and to 0 to be sure of none."
    )
    return Scaling(said.scale, 0.0, baseline.source, _sentences(said.note, conflict))


def _by_date(properties: Mapping[str, Any], said: _Said) -> Scaling:
    text = next((properties[key] for key in _DATES if properties.get(key)), None)
    if text is None:
        raise BadInputError(
            "A STAC item has neither an offset in raster:bands, nor s2:processing_baseline, nor a date, so that its "
            "digital numbers can't be read: add one of them."
        )
    taken = datetime.fromisoformat(str(text))
    offset = _offset_since(FIRST_DAY_WITH_OFFSET, taken.date())
    conflict = (
        "Neither raster:bands nor s2:processing_baseline says whether the numbers have an offset: by the date, "
        f"{taken:%Y-%m-%d}, it is taken to be {offset:g}; acquisition.offset says otherwise."
    )
    return Scaling(said.scale, offset, "the date", _sentences(said.note, conflict))
