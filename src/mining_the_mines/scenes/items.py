"""What the item of a STAC catalog says of its scene, in any catalog's dialect: date, tile, baseline, and assets."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pystac
import shapely
from pystac.utils import str_to_datetime
from shapely.errors import ShapelyError

from mining_the_mines.core.errors import SceneError
from mining_the_mines.sentinel2.bands import canonical_band_name
from mining_the_mines.sentinel2.baseline import read_baseline

#: The sun moves 15 degrees an hour.
_DEGREES_AN_HOUR: Final = 15
#: The tile in the names of ESA's products, such as ``S2A_MSIL2A_20220103T140051_N0301_R067_T21MUN_20220103T180000``.
_PRODUCT_TILE: Final = re.compile(r"_T?(\d{1,2}[C-HJ-NP-X][A-HJ-NP-Z]{2})(?:_|$)")


@dataclass(frozen=True)
class SceneFacts:
    """What is known of a scene.

    Attributes:
        item: Its id in the catalog.
        moment: When it was taken, UTC.
        platform: Satellite, such as ``sentinel-2a``, if the catalog says.
        baseline: Processing baseline as ``05.10``, if the catalog says.
        cloud_cover: Per cent; NaN if the catalog does not say.
        tile: MGRS tile as ``21MUN``, if the catalog says.
        created: When the product or its item was made; empty if the catalog does not say.
        footprint: Polygon of its data in degrees of WGS 84, longitude first; ``None`` if the catalog does not say.
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
        """Read them from an item's JSON.

        Raises:
            SceneError: If it has no date.
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
            platform=(_text(properties.get("platform")) or "").lower() or None,
            baseline=baseline.version if baseline else None,
            cloud_cover=_number(properties.get("eo:cloud_cover")),
            tile=_tile(item),
            created=_text(properties.get("s2:generation_time") or properties.get("created")) or "",
            footprint=_footprint(item),
        )

    @property
    def when(self) -> str:
        """The moment as it is written down."""
        return written_moment(self.moment)

    def day(self, longitude: float) -> date:
        """The local day by the sun: granules of one pass share it, even where UTC's day changes in between.

        Args:
            longitude: Where, in degrees.

        Returns:
            The date there.
        """
        return (self.moment + timedelta(hours=longitude / _DEGREES_AN_HOUR)).date()


def written_moment(moment: datetime) -> str:
    """Write a moment as lists of scenes do: ``2022-01-03T14:00:00Z``."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def stated_epsg(properties: Mapping[str, Any]) -> int | None:
    """Read which coordinate reference system a scene says it is in.

    Args:
        properties: Of the item, as in its JSON; the projection extension calls it ``proj:code``, before ``proj:epsg``.

    Returns:
        The EPSG code; ``None`` if it gives none.
    """
    text = str(properties.get("proj:code") or properties.get("proj:epsg") or "").upper().removeprefix("EPSG:")
    return int(text) if text.isdecimal() else None


def _text(value: object) -> str | None:
    return str(value) if value not in (None, "") else None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _product_names(item: Mapping[str, Any]) -> list[str]:
    properties = item["properties"]
    names = (properties.get("s2:product_uri"), properties.get("sentinel:product_id"), item["id"])
    return [str(name).removesuffix(".SAFE") for name in names if name]


def _tile(item: Mapping[str, Any]) -> str | None:
    properties = item["properties"]
    named = str(properties.get("s2:mgrs_tile") or properties.get("grid:code") or "").upper().removeprefix("MGRS-")
    if named:
        return named.removeprefix("T")
    for prefix, band, square in (
        ("mgrs", "latitude_band", "grid_square"),  # Earth Search v1
        ("sentinel", "latitude_band", "grid_square"),  # Earth Search v0
    ):
        parts = [properties.get(f"{prefix}:{part}") for part in ("utm_zone", band, square)]
        if all(parts):
            return "".join(str(part) for part in parts)
    for name in _product_names(item):
        found = _PRODUCT_TILE.search(name)
        if found:
            return found[1]
    return None


def _footprint(item: Mapping[str, Any]) -> shapely.Geometry | None:
    """The scene's polygon, else its box; a broken polygon is mended, a box across the antimeridian is not believed."""
    if item.get("geometry"):
        try:
            drawn = shapely.make_valid(shapely.geometry.shape(item["geometry"]))
        except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError):
            drawn = None
        if drawn is not None and drawn.area > 0:
            return drawn
    box = item.get("bbox") or []
    if len(box) == 6:  # with heights
        box = [*box[0:2], *box[3:5]]
    return shapely.box(*box) if len(box) == 4 and box[0] < box[2] else None


#: The scene classification is asked for like a band.
SCENE_CLASSIFICATION: Final = "SCL"

#: Earth Search numbers the red edge bands; the STAC ``eo`` extension names them by wavelength.
_NUMBERED_RED_EDGE: Final = {"rededge1": "B5", "rededge2": "B6", "rededge3": "B7"}
#: Assets for people or machines, not measurements: their bands name the colours of a picture.
_NO_MEASUREMENT: Final = frozenset({"thumbnail", "overview", "visual", "metadata"})
_RESOLUTION: Final = re.compile(r"_(\d{2})m$")


class MissingAssetError(SceneError):
    """A scene lacks a band that is wanted."""


def find_asset(item: pystac.Item, band: str) -> str:
    """Find the asset that holds a band, by its key, else by what it says of its bands.

    Knows the keys of Earth Search (``blue``, ``rededge1``, ``nir08``, ``scl``; before, ``B02``), of the Planetary
    Computer (``B02``, ``B8A``, ``SCL``) and of ESA's own products (``B02_10m``), ``eo:bands`` and STAC 1.1's ``bands``.
    Where a band is there more than once, what can be fetched wins over what can't, GeoTIFF over JPEG 2000, then the
    finest. The Copernicus Data Space uses ESA's keys, but its files lie in buckets (``s3://``), which are not read.

    Args:
        item: The scene.
        band: Name as in :mod:`mining_the_mines.sentinel2.bands`, or ``SCL``.

    Returns:
        The asset's key.

    Raises:
        MissingAssetError: If no asset holds the band.
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
    """Find the asset that tells clouds.

    Args:
        item: The scene.
        mask: ``scl`` for the scene classification, whatever its key; else exactly the key of an asset.

    Returns:
        The asset's key.

    Raises:
        MissingAssetError: If the scene has none.
    """
    if mask.upper() == SCENE_CLASSIFICATION:
        return find_asset(item, SCENE_CLASSIFICATION)
    if mask not in item.assets:
        raise MissingAssetError(
            f"The scene {item.id} has no asset {mask}; it has {', '.join(item.assets) or 'none at all'}: correct "
            "compositing.mask_asset."
        )
    return mask


def _holds(key: str, asset: pystac.Asset, band: str) -> bool:
    if asset.media_type and not asset.media_type.startswith("image/"):
        return False
    if _NO_MEASUREMENT & {*(asset.roles or ()), key.lower()}:
        return False
    bands = _described_bands(asset)
    if len(bands) > 1:
        return False  # a picture, or a stack: which of its bands is meant would be a guess
    named = _band_named(key.lower().removesuffix("-jp2").removesuffix("_jp2"))
    if named is None and bands:
        texts = (bands[0].get(field) for field in ("name", "eo:common_name", "common_name"))
        named = next((name for text in texts if text and (name := _band_named(str(text).lower()))), None)
    return named == band


def _described_bands(asset: pystac.Asset) -> list[dict[str, Any]]:
    described = asset.extra_fields.get("eo:bands") or asset.extra_fields.get("bands") or []
    return [band for band in described if isinstance(band, dict)]


def _band_named(text: str) -> str | None:
    if re.fullmatch(r"scl(_\d{2}m)?", text):
        return SCENE_CLASSIFICATION
    return _NUMBERED_RED_EDGE.get(text) or canonical_band_name(text)


def _rank(key: str, asset: pystac.Asset) -> tuple[bool, bool, float, str]:
    text = f"{asset.media_type or ''} {asset.href}".lower()
    fetched = re.match(r"^(https?://|file://|[^:]*$|[a-z]:\\)", asset.href, re.IGNORECASE) is not None
    step = _RESOLUTION.search(key)
    metres = float(step[1]) if step else float(asset.extra_fields.get("gsd") or 0)
    return not fetched, "jp2" in text or "jpeg" in text, metres, key
