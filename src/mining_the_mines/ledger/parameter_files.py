"""Files and folders that parameters name: inputs that a node reads past the catalog."""

import glob
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mining_the_mines.core.hashing import visible_files
from mining_the_mines.ledger.states import with_sidecars

_JSON: Final = (".json", ".geojson")
_RASTERS: Final = (".tif", ".tiff", ".jp2", ".vrt")
_MOSAIC: Final = ".vrt"
#: Links of a STAC catalog that lead down to its items (STAC specification, "Relation types").
_DOWN: Final = ("child", "item")
#: Parameters that are places, even if their value is a plain word, such as a folder called 2023.
_PLACES: Final = ("scene", "source", "regions", "unlabelled")
#: GDAL writes statistics here when it opens a raster.
_STATISTICS: Final = ".aux.xml"


def named_files(parameters: Mapping[str, Any], project: Path) -> list[Path]:
    """List the files and folders that parameters name, such as a file of regions, a catalog, or a scene to map.

    A path has a suffix or a separator; a plain word names a file only as a scene, a source, regions or unlabelled
    images, since a method or a title may be called as a file is. A path to the project's own folder, or to one above
    it, does not count, since every run changes it. A STAC catalog or item brings the local files that it links to, a
    shapefile the files beside it, a mosaic (VRT) its tiles, and a raster the JSON records beside it. A folder brings
    the files outside it that its own files lead to.

    Args:
        parameters: Parameters by name: plain values, or mappings and lists of them.
        project: Folder that paths are relative to.

    Returns:
        Absolute paths, each once, in order.
    """
    found: set[Path] = set()
    waiting = [path for name, text in _texts(parameters) for path in _named(name, text, project)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _led_to(path)
    return sorted(found)


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any parameter
    """Texts in a parameter, each with the name of the innermost parameter that holds it."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for inner, part in value.items():
            yield from _texts(part, str(inner).removeprefix("params:"))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part, name)


def _named(name: str, text: str, project: Path) -> list[Path]:
    is_path = bool(Path(text).suffix) or "/" in text or os.sep in text or (name in _PLACES and bool(text))
    path = _local(text, project) if is_path else None
    if path is None or project.absolute().is_relative_to(path):
        return []
    return with_sidecars(path)


def _local(href: str, folder: Path) -> Path | None:
    place = href.removeprefix("file://").partition("|layername=")[0]  # a layer is named as QGIS does
    if "://" in place:
        return None
    path = Path(os.path.normpath(folder.absolute() / place))
    return path if os.path.exists(path) else None  # noqa: PTH110 - a parameter may be a text that no path can be


def _led_to(path: Path) -> list[Path]:
    if path.is_dir():
        inside = (place for file in visible_files(path) for place in _led_to(file))
        return [place for place in inside if not place.is_relative_to(path)]
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in {*_RASTERS, *_JSON}:
        return []
    if suffix in _JSON:
        return _linked_from(path)
    return [*_raster_files(path), *path.parent.glob(f"{glob.escape(path.stem)}.*.json")]


def _raster_files(raster: Path) -> list[Path]:
    """The other files of a raster as GDAL names them: those beside it, and the tiles of a mosaic."""
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(raster) as source:
            named = [Path(os.path.normpath(name)) for name in source.files if not name.endswith(_STATISTICS)]
    except RasterioError:  # no raster: the node that reads it says so
        return []
    others = [file for file in named if file.is_file() and not file.samefile(raster)]
    return [tile for file in others for tile in (file, *(_raster_files(file) if file.suffix == _MOSAIC else ()))]


def _linked_from(path: Path) -> list[Path]:
    """Local files that a STAC catalog or item links to."""
    try:
        stac = json.loads(path.read_text(encoding="utf-8"))
        if "stac_version" not in stac:
            return []
        hrefs = [link["href"] for link in stac.get("links", []) if link["rel"] in _DOWN]
        hrefs += [asset["href"] for asset in stac.get("assets", {}).values()]
        places = [_local(href, path.parent) for href in hrefs]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # not STAC: the node that reads it says so
        return []
    return [place for place in places if place is not None]
