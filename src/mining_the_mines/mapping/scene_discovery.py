"""Scenes to map: rasters, composites and STAC items, by the paths and addresses that a person names."""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.rasters.dates import find_dates
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.scenes.composite_files import INDEX, Composite, open_composites, read_composite
from mining_the_mines.scenes.safe import find_granules
from mining_the_mines.scenes.safe_files import walk_products

logger = logging.getLogger(__name__)

_RASTERS: Final = (".tif", ".tiff", ".jp2", ".vrt")
ITEM_SUFFIX: Final = ".json"
WEB: Final = frozenset({"http", "https"})
#: Addresses of public files in buckets, by scheme.
_BUCKETS: Final[Mapping[str, str]] = {
    "s3": "https://{bucket}.s3.amazonaws.com", "gs": "https://storage.googleapis.com/{bucket}",
}  # fmt: skip
#: Prefixes of GDAL's virtual file systems.
_GDAL_PREFIXES: Final[Mapping[str, str]] = {"/vsicurl/": "", "/vsis3/": "s3://", "/vsigs/": "gs://"}
#: Characters that the name of a map's folder can't have.
_NO_NAME: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]|^\.+|[. ]+$')


@dataclass(frozen=True)
class Addressed:
    """A scene to map that is known by an address.

    Attributes:
        name: Name of its file.
        address: Path or URL.
    """

    name: str
    address: str

    @property
    def source(self) -> str:
        """The address without passwords and signatures."""
        return without_secrets(self.address)


class StacScene(Addressed):
    """A STAC item to map; a composite of its one date is made first."""


class RemoteRaster(Addressed):
    """A raster on a server; it is downloaded first, since all of its pixels are read, and several times."""


FoundScene = Scene | StacScene | RemoteRaster


def find_scenes(given: str | Sequence[str]) -> list[FoundScene]:
    """Find the scenes that a person names.

    Args:
        given: One or several of these: a raster with named bands, by path or URL; a composite's raster, whose dates are
            then known; a STAC item (JSON), by path or URL; a folder of such rasters, of composites or of items.

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


def _scenes_of(name: str) -> Iterator[FoundScene]:
    address = _web_address(name)
    if address is not None:
        file = Path(unquote(urlsplit(address).path))
        kind = RemoteRaster if file.suffix.lower() in _RASTERS else StacScene
        yield kind(_folder_name(file.stem or "scene"), address)
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


def _web_address(name: str) -> str | None:
    """The address of a name on the web, also of public files in buckets and as GDAL writes it; ``None`` for a path."""
    for prefix, plain in _GDAL_PREFIXES.items():
        name = plain + name.removeprefix(prefix) if name.startswith(prefix) else name
    parts = urlsplit(name)
    if parts.scheme in _BUCKETS:
        return _BUCKETS[parts.scheme].format(bucket=parts.netloc) + parts.path
    return name if parts.scheme in WEB else None


def _in_folder(folder: Path) -> Iterator[FoundScene]:
    if (folder / INDEX).is_file():
        yield from (composite_scene(composite) for composite in open_composites(folder))
        return
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    rasters = [path for path in files if path.suffix.lower() in _RASTERS]
    found = rasters or [path for path in files if path.suffix.lower() == ITEM_SUFFIX]
    granules = [granule for path in walk_products(folder, deep=not found) for granule in find_granules(path)]
    if not found and not granules:
        raise SceneError(
            f"The folder {folder} holds no raster ({', '.join(_RASTERS)}), no STAC item and no SAFE product: name "
            "another."
        )
    yield from (_at(path) for path in found)
    yield from (StacScene(_folder_name(granule), address) for granule, address in granules)


def _at(path: Path) -> FoundScene:
    if path.suffix.lower() == ITEM_SUFFIX:
        return StacScene(_folder_name(path.stem), str(path))
    composite = read_composite(path.parent, path.stem)
    if composite is not None and composite.image == path:
        return composite_scene(composite)
    return raster_scene(path)


def raster_scene(path: Path, name: str | None = None, source: str | None = None) -> Scene:
    """Return a raster as a scene, with the days that its tags or its name tell.

    Args:
        path: The raster.
        name: Name of the scene; that of the file by default.
        source: Path or address that a person knows it by; its path by default.
    """
    found, name = find_dates(path), name or _folder_name(path.stem)
    if found.where and not found.days:
        logger.warning(
            "%s tells several days (%s), so its map has none: correct its tags, or give it a name without a day.",
            path, found.where,
        )  # fmt: skip
    return Scene(name, path, source or str(path), dates=found.days)


def _folder_name(name: str) -> str:
    """The name without characters that a folder can't have."""
    return _NO_NAME.sub("_", name) or "scene"


def _with_unique_names(scenes: Iterable[FoundScene]) -> list[FoundScene]:
    by_name: dict[str, FoundScene] = {}
    for scene in scenes:
        other = by_name.setdefault(scene.name.casefold(), scene)
        if other is not scene:
            raise SceneError(
                f"{other.source} and {scene.source} are both called {scene.name}, and a map is named by its scene: "
                "rename one, or map them in two runs."
            )
    return list(by_name.values())
