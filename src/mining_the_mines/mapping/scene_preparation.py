"""Preparation of scenes to map: STAC items are composited, rasters of the web are downloaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pystac

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import BadInputError, SceneError, UnwritableError
from mining_the_mines.core.progress import Count, uncounted
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.mapping.scene_discovery import (
    ITEM_SUFFIX,
    WEB,
    FoundScene,
    RemoteRaster,
    StacScene,
    composite_scene,
    find_scenes,
    raster_scene,
)
from mining_the_mines.mapping.scene_map import UnmappedScene
from mining_the_mines.rasters.integrity import check_local_raster
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.scenes.cloud_masks import mask_clouds
from mining_the_mines.scenes.composites import make_composites, plan_composites
from mining_the_mines.scenes.download import fetch_raster
from mining_the_mines.scenes.http import PLANETARY_COMPUTER, PatientSession, sign
from mining_the_mines.scenes.items import MissingAssetError, find_asset, find_mask
from mining_the_mines.scenes.regions import Bounds, Region
from mining_the_mines.scenes.scene_list import ItemJson
from mining_the_mines.scenes.search import open_item
from mining_the_mines.scenes.selection import select_from
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.sentinel2.bands import canonical_band_name

#: Media types of rasters.
_RASTER_TYPES: Final = frozenset({"image/tiff", "image/geotiff", "application/geotiff", "image/jp2"})
#: Sub-folder for rasters of the web.
_FETCHED: Final = "fetched"
_PLANETARY_COMPUTER_HOST: Final = "planetarycomputer.microsoft.com"
#: Host of the Planetary Computer's files, which can't be read without a signature.
_STORAGE: Final = ".blob.core.windows.net"


@dataclass(frozen=True)
class StacReading:
    """Reading of STAC items.

    Attributes:
        compositing: Cloud mask and method.
        access: Time limits and retries.
        dask: Workers.
        folder: Folder for composites of single items, each in a sub-folder, and for rasters of the web.
    """

    compositing: CompositingSettings
    access: AcquisitionSettings
    dask: DaskSettings
    folder: Path


@dataclass(frozen=True)
class PreparedScenes:
    """Rasters to map.

    Attributes:
        scenes: Scenes, in the order in which they were named.
        unmapped: Scenes that could not be prepared.
    """

    scenes: tuple[Scene, ...]
    unmapped: tuple[UnmappedScene, ...] = ()


def prepare_scenes(
    given: str | Sequence[str], bands: Sequence[str], reading: StacReading, progress: Count = uncounted
) -> PreparedScenes:
    """Find scenes, make a composite of each STAC item among them, and download rasters of the web.

    Args:
        given: Paths and addresses; see :func:`find_scenes`.
        bands: Names of the bands, in the order of the model.
        reading: Reading of STAC items.
        progress: Counts the blocks of a composite.

    Returns:
        The scenes. An item that can't be composited, or a raster that can't be fetched, is listed as unmapped.

    Raises:
        SceneError: A path does not exist, or a folder holds no scene.
        UnwritableError: The disk is full, or the folder can't be written to.
    """
    scenes: list[Scene] = []
    unmapped: list[UnmappedScene] = []
    for found in find_scenes(given):
        try:
            scenes.append(_prepared(found, bands, reading, progress))
        except UnwritableError:
            raise
        except BadInputError as error:
            unmapped.append(UnmappedScene(found.name, found.source, str(error)))
    return PreparedScenes(tuple(scenes), tuple(unmapped))


def _prepared(found: FoundScene, bands: Sequence[str], reading: StacReading, progress: Count) -> Scene:
    if isinstance(found, Scene):
        return found
    if isinstance(found, RemoteRaster) or _is_raster(found.address, reading.access):
        host = urlsplit(found.address).hostname or ""
        unsigned = host.endswith(_STORAGE) and not urlsplit(found.address).query
        address = sign(found.address) if unsigned else found.address
        return raster_scene(fetch_raster(address, reading.folder / _FETCHED, reading.access), found.name, found.source)
    return composite_item(found, bands, reading, progress)


def _is_raster(address: str, access: AcquisitionSettings) -> bool:
    """Whether an address without a telling suffix, such as a request to a map server, gives a raster."""
    path = urlsplit(address)
    if path.scheme not in WEB or Path(path.path).suffix.lower() in {ITEM_SUFFIX, ".geojson"}:
        return False
    return PatientSession(access).look(address).media_type in _RASTER_TYPES


def composite_item(scene: StacScene, bands: Sequence[str], reading: StacReading, progress: Count = uncounted) -> Scene:
    """Make a composite of one STAC item: clouds masked, offsets harmonised, one grid of 10 m.

    A complete composite of the same item and settings is used again.

    Args:
        scene: The item.
        bands: Names of the bands, in the order of the model.
        reading: Reading of STAC items.
        progress: Counts the blocks.

    Returns:
        The scene to map.

    Raises:
        SceneError: The item does not exist, lacks a band or a bbox, lies across the antimeridian, or its files can't be
            read.
    """
    # A person who names a scene wants it, however cloudy it is and whenever it was taken.
    access = reading.access.model_copy(
        update={
            "source": "", "start": None, "end": None, "exclude": (), "max_cloud_cover": 100.0, "minimum_dates": 1,
        }
    )  # fmt: skip
    source = open_item(scene.address, access)
    if _needs_signature(scene, source.item):
        access = access.model_copy(update={"source": PLANETARY_COMPUTER})
    _refuse_stack(source.item, bands)
    region = Region(scene.name, _box(scene, source.item))
    settings, folder = reading.compositing, reading.folder / scene.name
    wanted, optional = settings.archive_bands(bands), settings.optional_bands
    _check_mask(source.item, settings.archive_mask)
    choice = select_from(source, [region], wanted, settings.archive_mask, access, optional=optional)
    for item in choice.items[region.name]:
        _check_local_files(item)
    masked = mask_clouds(choice, settings, access, folder, reading.dask, progress)
    plans = plan_composites(masked, bands, settings, access)
    (composite,) = make_composites(plans, folder, reading.dask, progress)
    made = composite_scene(composite)
    return Scene(made.name, made.image, scene.source, made.clear_dates, made.dates)


def _needs_signature(scene: StacScene, item: pystac.Item) -> bool:
    """Whether an item belongs to the Planetary Computer, read from there or saved as a file."""
    addresses = (scene.address, *(asset.href for asset in item.assets.values()))
    hosts = [urlsplit(address).hostname or "" for address in addresses]
    return any(host == _PLANETARY_COMPUTER_HOST or host.endswith(_STORAGE) for host in hosts)


def _check_mask(item: pystac.Item, mask: str | None) -> None:
    """Raise an error for an item without the cloud mask that is asked for, such as one of level 1C."""
    try:
        _ = None if mask is None else find_mask(item, mask)
    except MissingAssetError as error:
        raise SceneError(
            f"{item.id} has no cloud mask {mask}: set compositing.clear_sky.source to csmask to have neural networks "
            "mask its clouds, or name a mask of your own in compositing.mask_asset, or none."
        ) from error


def _check_local_files(item: ItemJson) -> None:
    """Raise an error for a local file that is missing or cut off; files on the web show that when they are read."""
    for key, asset in item["assets"].items():
        if urlsplit(asset["href"]).scheme in {"http", "https"}:
            continue
        try:
            check_local_raster(Path(asset["href"]))
        except SceneError as error:
            raise SceneError(f"{item['id']} can't be mapped: its file {key} is {error}; fetch it again.") from error


def _refuse_stack(item: pystac.Item, bands: Sequence[str]) -> None:
    """Refuse an item whose bands lie in one file, with that file and the scaling that the item states for it."""
    for asset in item.assets.values():
        described = asset.extra_fields.get("eo:bands") or asset.extra_fields.get("bands") or []
        names = {_described_band(band) for band in described if isinstance(band, dict)}
        if len(described) > 1 and set(bands) <= names and not _has_single(item, bands[0]):
            stated = next(iter(asset.extra_fields.get("raster:bands") or described))
            scale, offset = (stated.get(key, stated.get(f"raster:{key}")) for key in ("scale", "offset"))
            numbers = "".join(
                [f",imagery.scale={1 / scale:g}" if scale else "", f",imagery.offset={offset:g}" if offset else ""]
            )
            place = without_secrets(asset.get_absolute_href() or asset.href)
            raise SceneError(
                f"The bands of {item.id} lie in one file, which is no scene of an archive: name the file itself, with "
                f"--params=scene={place}{numbers}; clouds in it are not masked."
            )


def _has_single(item: pystac.Item, band: str) -> bool:
    try:
        return bool(find_asset(item, band))
    except SceneError:
        return False


def _described_band(described: Mapping[str, Any]) -> str | None:
    texts = (described.get(field) for field in ("name", "eo:common_name", "common_name"))
    return next((name for text in texts if text and (name := canonical_band_name(str(text)))), None)


def _box(scene: StacScene, item: pystac.Item) -> Bounds:
    """West, south, east and north of an item, in degrees of WGS 84."""
    box = item.bbox
    if not box:
        raise SceneError(f"{scene.source} has no bbox: its catalog is at fault; name another scene.")
    half = len(box) // 2
    west, south, east, north = box[0], box[1], box[half], box[half + 1]
    if west > east:  # RFC 7946, section 5.2
        raise SceneError(
            f"{scene.source} lies across the antimeridian (its bbox reaches from {west:g} to {east:g} degrees), and "
            "such a scene can't be mapped as an item: make a composite of each side with acquisition.regions, and map "
            "these."
        )
    return west, south, east, north
