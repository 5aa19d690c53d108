"""Scenes to map: rasters, composites and STAC items, by the paths and addresses that a person names."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pystac

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import BadInputError, SceneError, UnwritableError
from mining_the_mines.core.progress import Count, uncounted
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.mapping.scene_map import UnmappedScene
from mining_the_mines.rasters.integrity import check_local_raster
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.scenes.cloud_masks import mask_clouds
from mining_the_mines.scenes.composite_files import INDEX, Composite, open_composites, read_composite
from mining_the_mines.scenes.composites import make_composites, plan_composites
from mining_the_mines.scenes.http import PLANETARY_COMPUTER
from mining_the_mines.scenes.items import MissingAssetError, find_asset, find_mask
from mining_the_mines.scenes.regions import Bounds, Region
from mining_the_mines.scenes.safe import find_granules
from mining_the_mines.scenes.safe_files import walk_products
from mining_the_mines.scenes.scene_list import ItemJson
from mining_the_mines.scenes.search import open_item
from mining_the_mines.scenes.selection import select_from
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.sentinel2.bands import canonical_band_name

_RASTERS: Final = (".tif", ".tiff", ".jp2", ".vrt")
_ITEM: Final = ".json"
#: Characters that the name of a map's folder can't have.
_NO_NAME: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]|^\.+|[. ]+$')
_PLANETARY_COMPUTER_HOST: Final = "planetarycomputer.microsoft.com"
#: Host of the Planetary Computer's files, which can't be read without a signature.
_STORAGE: Final = ".blob.core.windows.net"


@dataclass(frozen=True)
class StacScene:
    """A STAC item to map; a composite of its one date is made first.

    Attributes:
        name: Name of its file.
        address: Path or URL of the item.
    """

    name: str
    address: str

    @property
    def source(self) -> str:
        """The address without passwords and signatures."""
        return without_secrets(self.address)


@dataclass(frozen=True)
class StacReading:
    """Reading of STAC items.

    Attributes:
        compositing: Cloud mask and method.
        access: Time limits and retries.
        dask: Workers.
        folder: Folder for composites of single items, each in a sub-folder.
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
    """Find scenes, and make a composite of each STAC item among them.

    Args:
        given: Paths and addresses; see :func:`find_scenes`.
        bands: Names of the bands, in the order of the model.
        reading: Reading of STAC items.
        progress: Counts the blocks of a composite.

    Returns:
        The scenes. An item that can't be composited is listed as unmapped.

    Raises:
        SceneError: A path does not exist, or a folder holds no scene.
        UnwritableError: The disk is full, or the folder can't be written to.
    """
    scenes: list[Scene] = []
    unmapped: list[UnmappedScene] = []
    for found in find_scenes(given):
        try:
            scenes.append(found if isinstance(found, Scene) else composite_item(found, bands, reading, progress))
        except UnwritableError:
            raise
        except BadInputError as error:
            unmapped.append(UnmappedScene(found.name, found.source, str(error)))
    return PreparedScenes(tuple(scenes), tuple(unmapped))


def find_scenes(given: str | Sequence[str]) -> list[Scene | StacScene]:
    """Find the scenes that a person names.

    Args:
        given: One or several of these: a raster with named bands; a composite's raster, whose dates are then known; a
            STAC item (JSON), by path or URL; a folder of such rasters, of composites or of items.

    Returns:
        The scenes in the order named, those of a folder by name; no two have the same name.

    Raises:
        SceneError: A path does not exist, or a folder holds no scene.
    """
    named = [given] if isinstance(given, str) else list(given)
    if not named:
        raise SceneError(
            "No scene is named: say which with --params=scene=PATH, a raster, a STAC item, a composite or a folder."
        )
    return _with_unique_names(scene for name in named for scene in _scenes_of(str(name)))


def composite_scene(composite: Composite) -> Scene:
    """Return a composite as a scene with its dates and clear dates."""
    return Scene(composite.region, composite.image, str(composite.image), composite.clear_dates, composite.dates)


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


def _scenes_of(name: str) -> Iterator[Scene | StacScene]:
    if urlsplit(name).scheme in {"http", "https"}:
        if Path(urlsplit(name).path).suffix.lower() in _RASTERS:
            raise SceneError(
                f"{without_secrets(name)} is a raster on the web, which may change from read to read: download it and "
                "name the file, or name the STAC item that it belongs to."
            )
        yield StacScene(_folder_name(Path(urlsplit(name).path).stem or "scene"), name)
        return
    path = Path(name).absolute()  # workers may run in another folder
    granules = find_granules(path)
    if granules:
        yield from (StacScene(_folder_name(granule), address) for granule, address in granules)
    elif path.is_dir():
        yield from _in_folder(path)
    elif not path.exists():
        raise SceneError(
            f"There is no scene {path}: name a raster, a STAC item, a composite or a folder of them in the parameter "
            "scene."
        )
    else:
        yield _at(path)


def _in_folder(folder: Path) -> Iterator[Scene | StacScene]:
    if (folder / INDEX).is_file():
        yield from (composite_scene(composite) for composite in open_composites(folder))
        return
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    rasters = [path for path in files if path.suffix.lower() in _RASTERS]
    found = rasters or [path for path in files if path.suffix.lower() == _ITEM]
    granules = [granule for path in walk_products(folder, deep=not found) for granule in find_granules(path)]
    if not found and not granules:
        raise SceneError(
            f"The folder {folder} holds no raster ({', '.join(_RASTERS)}), no STAC item and no SAFE product: name "
            "another."
        )
    yield from (_at(path) for path in found)
    yield from (StacScene(_folder_name(granule), address) for granule, address in granules)


def _at(path: Path) -> Scene | StacScene:
    if path.suffix.lower() == _ITEM:
        return StacScene(_folder_name(path.stem), str(path))
    composite = read_composite(path.parent, path.stem)
    if composite is not None and composite.image == path:
        return composite_scene(composite)
    return Scene(_folder_name(path.stem), path, str(path))


def _folder_name(name: str) -> str:
    """The name without characters that a folder can't have."""
    return _NO_NAME.sub("_", name) or "scene"


def _with_unique_names(scenes: Iterable[Scene | StacScene]) -> list[Scene | StacScene]:
    by_name: dict[str, Scene | StacScene] = {}
    for scene in scenes:
        other = by_name.setdefault(scene.name.casefold(), scene)
        if other is not scene:
            raise SceneError(
                f"{other.source} and {scene.source} are both called {scene.name}, and a map is named by its scene: "
                "rename one, or map them in two runs."
            )
    return list(by_name.values())


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
