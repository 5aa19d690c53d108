"""Facts and assets of a scene's STAC item, in the dialect of any catalog."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pystac
import shapely
from pystac.utils import str_to_datetime
from shapely.affinity import translate
from shapely.errors import ShapelyError

from mining_the_mines.core.errors import SceneError
from mining_the_mines.sentinel2.bands import canonical_band_name
from mining_the_mines.sentinel2.baseline import read_baseline

#: The scene classification is named like a band.
SCENE_CLASSIFICATION: Final = "SCL"
#: Key of masks of our own, which hold codes of the scene classification.
CSMASK: Final = "csmask"
#: The sun moves 15 degrees an hour.
_DEGREES_AN_HOUR: Final = 15
#: The tile in the names of ESA's products, such as ``S2A_MSIL2A_20220103T140051_N0301_R067_T21MUN_20220103T180000``.
_PRODUCT_TILE: Final = re.compile(r"_T?(\d{1,2}[C-HJ-NP-X][A-HJ-NP-Z]{2})(?:_|$)")
_ESA_NAME: Final = re.compile(r"b(0\d|1[0-2]|8a)(_\d{2}m)?")
_LEVEL: Final = re.compile(r"(?:L|MSI)(1C|2A)")
_SENTINEL_2: Final = re.compile(r"s(entinel)?[-_ ]?2")
#: Assets for people or machines, not measurements: their bands name the colours of a picture.
_NO_MEASUREMENT: Final = frozenset({"thumbnail", "overview", "visual", "metadata"})
#: No band has larger pixels, in metres; a coordinate is a larger number.
_LARGEST_PIXEL: Final = 1000
_RESOLUTION: Final = re.compile(r"_(\d{2})m$")


class MissingAssetError(SceneError):
    """A scene lacks a band or a cloud mask."""


@dataclass(frozen=True)
class SceneFacts:
    """Facts about a scene.

    Attributes:
        item: Id of the item.
        moment: Time of the observation, UTC.
        platform: Satellite, such as ``sentinel-2a``; ``None`` if unknown.
        baseline: Processing baseline as ``05.10``; ``None`` if unknown.
        cloud_cover: Per cent; NaN if unknown.
        tile: MGRS tile as ``21MUN``; ``None`` if unknown.
        created: Date of the product or its item as text; empty if unknown.
        footprint: Polygon of its data in degrees of WGS 84, longitude first; ``None`` if unknown.
    """

    item: str
    moment: datetime
    platform: str | None
    baseline: str | None
    cloud_cover: float
    tile: str | None
    created: str
    footprint: shapely.Geometry | None

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "SceneFacts":
        """Read the facts from an item's JSON.

        Raises:
            SceneError: The item has no date.
        """
        properties = item["properties"]
        moment = properties.get("datetime") or properties.get("start_datetime")
        try:
            taken = str_to_datetime(moment)
        except (ValueError, TypeError, OverflowError) as error:
            raise SceneError(
                f"The scene {item['id']} has no date ({moment!r}): its catalog is at fault; name it in "
                "acquisition.exclude."
            ) from error
        baseline = read_baseline(properties, str(item["id"]))
        return cls(
            item=str(item["id"]),
            moment=taken.astimezone(UTC) if taken.tzinfo else taken.replace(tzinfo=UTC),
            platform=str(properties.get("platform") or "").lower() or None,
            baseline=baseline.version if baseline else None,
            cloud_cover=_number(properties.get("eo:cloud_cover")),
            tile=_tile(item),
            created=str(properties.get("s2:generation_time") or properties.get("created") or ""),
            footprint=_footprint(item),
        )

    @property
    def when(self) -> str:
        """Moment as text, see :func:`written_moment`."""
        return written_moment(self.moment)

    def day(self, longitude: float) -> date:
        """Local date by the sun: granules of one pass share it, even where the date changes in UTC.

        Args:
            longitude: Degrees.

        Returns:
            The date there.
        """
        return (self.moment + timedelta(hours=longitude / _DEGREES_AN_HOUR)).date()


def written_moment(moment: datetime) -> str:
    """Format a moment as lists of scenes do: ``2022-01-03T14:00:00Z``."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def foreign_sensor(properties: Mapping[str, Any]) -> str | None:
    """Find the satellite of a scene that is none of Sentinel-2's: its bands have the same names and other wavelengths.

    Args:
        properties: Properties of the item as in its JSON.

    Returns:
        The platform; ``None`` if it is one of Sentinel-2's or unknown.
    """
    instruments = properties.get("instruments")
    told = [properties.get("platform"), properties.get("constellation")]
    told += instruments if isinstance(instruments, list) else [instruments]
    named = [str(name).lower() for name in told if name]
    own = any(_SENTINEL_2.match(name) or name == "msi" for name in named)
    return None if own or not properties.get("platform") else str(properties["platform"])


def processing_level(item: Mapping[str, Any]) -> str | None:
    """Find the processing level of a scene by its properties and names.

    Args:
        item: The item as JSON.

    Returns:
        ``1C`` (top of the atmosphere) or ``2A`` (surface); ``None`` if nothing says.
    """
    properties = item["properties"]
    told = [properties.get(key) for key in ("processing:level", "s2:product_type", "s2:product_uri")]
    found = (_LEVEL.search(str(text).upper()) for text in (*told, item["id"], item.get("collection")) if text)
    return next((match[1] for match in found if match), None)


def stated_epsg(properties: Mapping[str, Any]) -> int | None:
    """Read the EPSG code that a scene states.

    Args:
        properties: Properties of the item as in its JSON; the projection extension calls the code ``proj:code``,
            formerly ``proj:epsg``.

    Returns:
        The code; ``None`` if the item states none.
    """
    text = str(properties.get("proj:code") or properties.get("proj:epsg") or "").upper().removeprefix("EPSG:")
    return int(text) if text.isdecimal() else None


def find_asset(item: pystac.Item, band: str) -> str:
    """Find the asset that holds a band, by its key, else by the description of its bands.

    Knows the keys of Earth Search (``blue``, ``rededge1``, ``nir08``, ``scl``; formerly ``B02``), of the Planetary
    Computer (``B02``, ``B8A``, ``SCL``) and of ESA's own products (``B02_10m``), ``eo:bands`` and STAC 1.1's ``bands``.
    Where a band is there more than once, an asset that can be fetched is preferred, then GeoTIFF over JPEG 2000, then
    the finest. The Copernicus Data Space uses ESA's keys, but its files lie in buckets (``s3://``), which are not read.

    Args:
        item: The scene.
        band: Name as in :mod:`mining_the_mines.sentinel2.bands`, or ``SCL``.

    Returns:
        Key of the asset.

    Raises:
        MissingAssetError: No asset holds the band.
    """
    wanted = _band_named(band.lower())
    found = [key for key, asset in item.assets.items() if wanted is not None and _holds(key, asset, wanted)]
    if not found:
        raise MissingAssetError(
            f"The scene {item.id} has no asset for {band}; it has {', '.join(item.assets) or 'none at all'}: choose "
            "other bands, or name the scene in acquisition.exclude."
        )
    return min(found, key=lambda key: _rank(key, item.assets[key]))


def find_mask(item: pystac.Item, mask: str) -> str:
    """Find the asset with the cloud mask.

    Args:
        item: The scene.
        mask: ``scl`` for the scene classification, whatever its key; else exactly the key of an asset.

    Returns:
        Key of the asset.

    Raises:
        MissingAssetError: The scene has none.
    """
    if mask.upper() == SCENE_CLASSIFICATION:
        return find_asset(item, SCENE_CLASSIFICATION)
    if mask not in item.assets:
        raise MissingAssetError(
            f"The scene {item.id} has no asset {mask}; it has {', '.join(item.assets) or 'none at all'}: correct "
            "compositing.mask_asset."
        )
    return mask


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _tile(item: Mapping[str, Any]) -> str | None:
    properties = item["properties"]
    named = str(properties.get("s2:mgrs_tile") or properties.get("grid:code") or "").upper().removeprefix("MGRS-")
    if named:
        return named.removeprefix("T")
    for prefix in ("mgrs", "sentinel"):  # Earth Search v1 and v0
        parts = [properties.get(f"{prefix}:{part}") for part in ("utm_zone", "latitude_band", "grid_square")]
        if all(parts):
            return "".join(str(part) for part in parts)
    for name in (properties.get("s2:product_uri"), properties.get("sentinel:product_id"), item["id"]):
        found = _PRODUCT_TILE.search(str(name or "").removesuffix(".SAFE"))
        if found:
            return found[1]
    return None


def _footprint(item: Mapping[str, Any]) -> shapely.Geometry | None:
    """Polygon of the scene, repaired, else its box; a box across the antimeridian is ignored."""
    if item.get("geometry"):
        try:
            drawn = shapely.make_valid(shapely.geometry.shape(item["geometry"]))
        except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError):
            drawn = None
        if drawn is not None and drawn.area > 0:
            # Longitudes from 0 to 360 become those from -180 to 180.
            return translate(drawn, xoff=-360) if drawn.bounds[0] >= 180 else drawn
    box = item.get("bbox") or []
    if len(box) == 6:  # with heights
        box = [*box[0:2], *box[3:5]]
    turn = 360 if len(box) == 4 and box[0] >= 180 else 0
    return shapely.box(box[0] - turn, box[1], box[2] - turn, box[3]) if len(box) == 4 and box[0] < box[2] else None


def _holds(key: str, asset: pystac.Asset, band: str) -> bool:
    if asset.media_type and not asset.media_type.startswith("image/"):
        return False
    if _NO_MEASUREMENT & {*(asset.roles or ()), key.lower()}:
        return False
    described = asset.extra_fields.get("eo:bands") or asset.extra_fields.get("bands") or []
    bands = [part for part in described if isinstance(part, dict)]
    if len(bands) > 1:
        return False  # a picture, or a stack: which of its bands is meant would be a guess
    first = bands[0] if bands else {}
    name = str(first.get("name") or "").lower()
    plain = key.lower().removesuffix("-jp2").removesuffix("_jp2")
    colours = (str(first.get(field) or "").lower() for field in ("eo:common_name", "common_name"))
    # "B04" is ESA's name; "band1" may only count the files, so that a colour says more.
    texts = [text for text in (name, plain) if _ESA_NAME.fullmatch(text)] + [*colours, name, plain]
    return next((found for text in texts if (found := _band_named(text))), None) == band


def _band_named(text: str) -> str | None:
    if re.fullmatch(r"scl(_\d{2}m)?", text):
        return SCENE_CLASSIFICATION
    return canonical_band_name(text)


def _rank(key: str, asset: pystac.Asset) -> tuple[bool, bool, float, str]:
    text = f"{asset.media_type or ''} {asset.href}".lower()
    fetched = re.match(r"^(https?://|file://|[^:]*$|[a-z]:\\)", asset.href, re.IGNORECASE) is not None
    step = _RESOLUTION.search(key)
    metres = float(step[1]) if step else _stated_pixel(asset.extra_fields)
    return not fetched, "jp2" in text or "jpeg" in text, metres, key


def _stated_pixel(fields: Mapping[str, Any]) -> float:
    """Edge of an asset's pixels in metres as its catalog states it; 0 if it does not."""
    described = fields.get("raster:bands")
    first = described[0] if isinstance(described, list) and described and isinstance(described[0], dict) else {}
    transform = fields.get("proj:transform")
    edges = [*transform[:2]] if isinstance(transform, list) else []
    stated = (
        fields.get("gsd"),
        fields.get("raster:spatial_resolution"),
        first.get("spatial_resolution"),
        # The order of STAC, or that of GDAL, in which the left edge comes first.
        *(abs(edge) for edge in edges if isinstance(edge, int | float) and 0 < abs(edge) <= _LARGEST_PIXEL),
    )
    return next((float(value) for value in stated if isinstance(value, int | float) and value), 0.0)
