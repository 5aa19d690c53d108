"""The files of a scene: which asset holds which band."""

import re
from typing import Any, Final

import pystac

from mining_the_mines.scenes.errors import SceneError
from mining_the_mines.sentinel2.bands import canonical_band_name

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
