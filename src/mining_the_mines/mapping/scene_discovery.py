"""What a person means by a scene: a raster, a composite, a STAC item, or a folder of them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.scenes.composite_files import INDEX, Composite, open_composites, read_composite

_RASTERS: Final = (".tif", ".tiff", ".jp2", ".vrt")
_ITEM: Final = ".json"
#: Where a map's folder can't bear a name.
_NO_NAME: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]|^\.+|[. ]+$')


@dataclass(frozen=True)
class StacScene:
    """A scene of a STAC archive, which becomes a composite of one date before it is mapped.

    Attributes:
        name: Of its file.
        address: Path or URL of its item.
    """

    name: str
    address: str

    @property
    def source(self) -> str:
        """Its address, fit to be written down."""
        return without_secrets(self.address)


def find_scenes(given: str | Sequence[str]) -> list[Scene | StacScene]:
    """Find the scenes that a person names.

    Args:
        given: One or several of these: a raster with named bands; a composite's raster, whose dates are then known; a
            STAC item (JSON), by path or URL; a folder of such rasters, of composites or of items.

    Returns:
        The scenes in the order named, those of a folder by name; each has another name.

    Raises:
        SceneError: If something does not exist, or a folder holds no scene.
    """
    named = [given] if isinstance(given, str) else list(given)
    if not named:
        raise SceneError(
            "No scene is named: say which with --params=scene=PATH, a raster, a STAC item, a composite or a folder."
        )
    return _with_names_of_their_own(scene for name in named for scene in _scenes_of(str(name)))


def composite_scene(composite: Composite) -> Scene:
    """A composite as a scene: its dates and numbers of clear dates are known."""
    return Scene(composite.region, composite.image, str(composite.image), composite.clear_dates, composite.dates)


def _scenes_of(name: str) -> Iterator[Scene | StacScene]:
    if urlsplit(name).scheme in {"http", "https"}:
        yield StacScene(_fit(Path(urlsplit(name).path).stem or "scene"), name)
        return
    path = Path(name).absolute()  # workers need not stand in this folder
    if path.is_dir():
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
    if not found:
        raise SceneError(f"The folder {folder} holds no raster ({', '.join(_RASTERS)}) and no STAC item: name another.")
    yield from (_at(path) for path in found)


def _at(path: Path) -> Scene | StacScene:
    if path.suffix.lower() == _ITEM:
        return StacScene(_fit(path.stem), str(path))
    composite = read_composite(path.parent, path.stem)
    if composite is not None and composite.image == path:
        return composite_scene(composite)
    return Scene(_fit(path.stem), path, str(path))


def _fit(name: str) -> str:
    """A name that a folder can bear."""
    return _NO_NAME.sub("_", name) or "scene"


def _with_names_of_their_own(scenes: Iterable[Scene | StacScene]) -> list[Scene | StacScene]:
    by_name: dict[str, Scene | StacScene] = {}
    for scene in scenes:
        other = by_name.setdefault(scene.name.casefold(), scene)
        if other is not scene:
            raise SceneError(
                f"{other.source} and {scene.source} are both called {scene.name}, and a map is named by its scene: "
                "rename one, or map them in two runs."
            )
    return list(by_name.values())
