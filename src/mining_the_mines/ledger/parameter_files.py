"""Files and folders that parameters name: what a node reads past the catalog."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.hashing import visible_files
from mining_the_mines.ledger.states import with_sidecars
from mining_the_mines.scenes.composite_files import composite_files, read_composite

#: What STAC is written as.
_JSON: Final = (".json", ".geojson")
#: What scenes are rasters of.
_RASTERS: Final = (".tif", ".tiff", ".jp2", ".vrt")
#: Links of a catalog that lead down to its scenes (STAC specification, "Relation types").
_DOWN: Final = ("child", "item")


def named_files(parameters: Any, project: Path) -> list[Path]:  # noqa: ANN401 - parameters are of any type
    """List the files and folders that parameters name, such as a file of regions, a catalog, or a scene to map.

    A plain word names none, even if something of that name lies there: a path has a suffix or a separator. Neither does
    a path to the project's own folder or to one above it, which every run changes. Files that a STAC catalog or item
    leads to belong to it, as those beside a shapefile do; so do the tiles of a mosaic (VRT), what GDAL reads beside a
    raster, and what is known of a composite. Of a folder, all that its files lead to out of it is listed too.

    Args:
        parameters: Plain values, or mappings and lists of them.
        project: Folder that paths are relative to.

    Returns:
        Absolute paths, each once, in order.
    """
    found: set[Path] = set()
    waiting = [path for text in _texts(parameters) for path in _named(text, project)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _led_to(path)
    return sorted(found)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any parameter
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part)


def _named(text: str, project: Path) -> list[Path]:
    is_path = bool(Path(text).suffix) or "/" in text or os.sep in text
    path = _local(text, project) if is_path else None
    if path is None or project.absolute().is_relative_to(path):
        return []
    return with_sidecars(path)


def _local(href: str, folder: Path) -> Path | None:
    place = href.removeprefix("file://")
    if "://" in place:
        return None
    path = Path(os.path.normpath(folder.absolute() / place))
    return path if os.path.exists(path) else None  # noqa: PTH110 - any text may stand in a parameter, also what no path can be


def _led_to(path: Path) -> list[Path]:
    """Files on this machine that a catalog, an item, a raster, or something in a folder leads to."""
    if path.is_dir():
        inside = (place for file in visible_files(path) for place in _led_to(file))
        return [place for place in inside if not place.is_relative_to(path)]
    if not path.is_file():
        return []
    if path.suffix.lower() in _RASTERS:
        return _belonging(path)
    return _listed_in(path) if path.suffix.lower() in _JSON else []


def _belonging(raster: Path) -> list[Path]:
    from mining_the_mines.rasters.scene import raster_files

    composite = read_composite(raster.parent, raster.stem)
    known = () if composite is None or composite.image != raster else composite_files(raster.parent, composite)
    try:
        return [*raster_files(raster), *known]
    except SceneError:  # no raster: whoever reads it says so
        return [*known]


def _listed_in(path: Path) -> list[Path]:
    try:
        stac = json.loads(path.read_text(encoding="utf-8"))
        if "stac_version" not in stac:
            return []
        hrefs = [link["href"] for link in stac.get("links", []) if link["rel"] in _DOWN]
        hrefs += [asset["href"] for asset in stac.get("assets", {}).values()]
        places = [_local(href, path.parent) for href in hrefs]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # no STAC: whoever reads it says so
        return []
    return [place for place in places if place is not None]
