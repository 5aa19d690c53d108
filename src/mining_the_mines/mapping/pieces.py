"""Adjoining rasters of one export, which are one scene: a mine on a seam is not cut.

Earth Engine writes a large export as several files (``export-0000000000-0000002560.tif``: first row and column of the
piece), and other tools do so under other names. Pieces lie on one grid, adjoin, and agree in all that decides how their
numbers are read.
"""

import logging
import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Final

import numpy as np
import rasterio
import shapely
from affine import Affine
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from mining_the_mines.geo.grid import Box
from mining_the_mines.rasters.dates import find_dates
from mining_the_mines.rasters.mosaic import Part, can_be_joined, write_mosaic
from mining_the_mines.rasters.scene import Scene, is_mosaic, raster_files

logger = logging.getLogger(__name__)

#: Ends of the names that Earth Engine gives to the pieces of an export.
_EARTH_ENGINE: Final = re.compile(r"[-_]?\d{10}-\d{10}$")
#: A day, month or year since Sentinel-2 began, in a file's name.
_DATE: Final = re.compile(
    r"(?<!\d)20(?:1[5-9]|[23]\d)(?:[-_]?(?:0[1-9]|1[0-2])(?:[-_]?(?:0[1-9]|[12]\d|3[01]))?)?(?!\d)"
)
#: Share of a pixel by which corners may miss the common grid, since coordinates are rounded.
_OFF_GRID: Final = 0.01
#: Rows that are compared at a time where rasters overlap.
_ROWS: Final = 256


@dataclass(frozen=True)
class _Raster:
    """A raster that may be a piece.

    Attributes:
        scene: The raster as a scene.
        part: Its place in pixels of its grid family's first raster.
        form: Facts that are the same in all pieces of an export, by their name in a message.
    """

    scene: Scene
    part: Part
    form: dict[str, Hashable]

    @property
    def box(self) -> Box:
        """Left, top, right and bottom in pixels."""
        part = self.part
        return part.column, part.row, part.column + part.width, part.row + part.height


def join_pieces(scenes: Sequence[Scene], folder: Path) -> tuple[Scene, ...]:
    """Join the pieces of an export that are among scenes; all other scenes stay as they are.

    Pieces share a coordinate reference system and a grid; they adjoin, or overlap with the same pixels; and they agree
    in bands, types, nodata, scales, dates, and the name of the export where Earth Engine gave it. Composites are no
    pieces. The log tells which rasters were joined, and which adjoin or overlap and were not.

    Args:
        scenes: Scenes, no two of the same name.
        folder: Folder for virtual rasters.

    Returns:
        The scenes. A joined one stands where its first piece stood, and has the common part of the pieces' names.
        Pieces of a virtual raster that is among the scenes are left out.

    Raises:
        BadInputError: The disk is full.
    """
    scenes = _without_parts_of_mosaics(scenes)
    names = {scene.name.casefold() for scene in scenes}
    joined: dict[str, Scene] = {}
    for family in _families(scenes):
        for export in _exports(family):
            found = _join(export, folder, names)
            names.add(found.name.casefold())
            joined |= {raster.scene.name: found for raster in export}
    return tuple(dict.fromkeys(joined.get(scene.name, scene) for scene in scenes))


def _without_parts_of_mosaics(scenes: Iterable[Scene]) -> list[Scene]:
    """Leave out the rasters that a virtual raster among the scenes is made of: their ground would be mapped twice."""
    scenes = list(scenes)
    mosaics = [scene for scene in scenes if is_mosaic(scene.image) and scene.image.is_file()]
    parts = {file.resolve() for scene in mosaics for file in raster_files(scene.image)[1:]}
    left = [scene for scene in scenes if scene.image.resolve() not in parts]
    if len(left) < len(scenes):
        logger.info("%d rasters are left out, since a VRT beside them is made of them.", len(scenes) - len(left))
    return left


def _families(scenes: Iterable[Scene]) -> Iterator[list[_Raster]]:
    """Group rasters by coordinate reference system and grid."""
    families: list[tuple[str, Affine, list[_Raster]]] = []
    for scene in scenes:
        if scene.clear_dates is not None:
            continue
        try:
            with rasterio.open(scene.image) as source:
                if source.crs is None or not can_be_joined(source) or not source.transform.is_rectilinear:
                    continue
                crs, transform, form = source.crs.to_wkt(), source.transform, _form(scene, source)
                size = (source.width, source.height)
        except RasterioError:  # the node that reads it says so
            continue
        for known, origin, rasters in families:
            place = _place(transform, origin)
            if known == crs and place is not None:
                rasters.append(_Raster(scene, Part(scene.image, *place, *size), form))
                break
        else:
            families.append((crs, transform, [_Raster(scene, Part(scene.image, 0, 0, *size), form)]))
    yield from (rasters for _, _, rasters in families)


def _place(transform: Affine, origin: Affine) -> tuple[int, int] | None:
    """First column and row of a raster in pixels of another; ``None`` if they do not share a grid."""
    if not all(
        math.isclose(own, other, rel_tol=1e-9) for own, other in zip(transform[:6:4], origin[:6:4], strict=True)
    ):
        return None
    column, row = ~origin @ (transform.c, transform.f)
    if max(abs(column - round(column)), abs(row - round(row))) > _OFF_GRID:
        return None
    return round(column), round(row)


def _form(scene: Scene, source: DatasetReader) -> dict[str, Hashable]:
    named = _EARTH_ENGINE.search(scene.name)
    export = scene.name[: named.start()] if named else ""
    return {
        "bands": (source.count, source.descriptions),
        "type of pixels": source.dtypes,
        "nodata": tuple(map(repr, source.nodatavals)),
        "scale or offset": (source.scales, source.offsets),
        "dates": (
            scene.dates,
            tuple(_DATE.findall(export or scene.name)),
            find_dates(scene.image).days,
        ),
        "name of the export": export,
    }


def _exports(rasters: Sequence[_Raster]) -> Iterator[list[_Raster]]:
    """Yield the rasters of a family that belong together, two or more at a time."""
    boxes = [shapely.box(*raster.box) for raster in rasters]
    first, second = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    pairs = [(int(one), int(other)) for one, other in zip(first, second, strict=True) if one < other]
    faults = {pair: _fault(*(rasters[number] for number in pair)) for pair in pairs}
    _tell({pair: fault for pair, fault in faults.items() if fault}, rasters)
    alike = np.array([pair for pair, fault in faults.items() if not fault], dtype=np.intp).reshape(-1, 2)
    links = csr_array((np.ones(len(alike), dtype=np.int8), alike.T), shape=(len(rasters), len(rasters)))
    count, export = connected_components(links, directed=False)
    for number in range(count):
        together = [raster for raster, own in zip(rasters, export, strict=True) if own == number]
        if len(together) > 1:
            yield together


def _fault(one: _Raster, other: _Raster) -> str:
    """Tell why two rasters that adjoin or overlap are not pieces of one export; empty if they are."""
    differing = [name for name, fact in one.form.items() if fact != other.form[name]]
    left, top = (max(own, others) for own, others in zip(one.box[:2], other.box[:2], strict=True))
    right, bottom = (min(own, others) for own, others in zip(one.box[2:], other.box[2:], strict=True))
    overlap = left, top, right, bottom
    if left == right or top == bottom:
        return f"adjoin and differ in {' and '.join(differing)}, so that a mine on the seam is cut" if differing else ""
    if not differing and overlap not in (one.box, other.box) and _is_equal(one.part, other.part, overlap):
        return ""
    return "overlap, so that a mine in both is counted twice where hectares are added up"


def _tell(faults: dict[tuple[int, int], str], rasters: Sequence[_Raster]) -> None:
    """Log each reason once, with an example."""
    for reason, count in Counter(faults.values()).items():
        one, other = next(pair for pair, fault in faults.items() if fault == reason)
        logger.warning(
            "%s and %s%s are mapped one by one: they %s.",
            rasters[one].scene.image, rasters[other].scene.image,
            f" and {count - 1} more pairs" if count > 1 else "", reason,
        )  # fmt: skip


def _is_equal(one: Part, other: Part, overlap: Box) -> bool:
    """Whether two rasters have the same pixels where they overlap."""
    left, top, right, bottom = map(int, overlap)
    with rasterio.open(one.path) as first, rasterio.open(other.path) as second:
        for row in range(top, bottom, _ROWS):
            window = left, row, right - left, min(_ROWS, bottom - row)
            ours, others = (
                source.read(window=_window(part, window)) for source, part in ((first, one), (second, other))
            )
            if not np.array_equal(ours, others, equal_nan=True):
                return False
    return True


def _window(part: Part, window: tuple[int, int, int, int]) -> Window:
    column, row, width, height = window
    return Window(column - part.column, row - part.row, width, height)


def _join(export: Sequence[_Raster], folder: Path, taken: set[str]) -> Scene:
    columns, rows = (
        min(place) for place in zip(*((raster.part.column, raster.part.row) for raster in export), strict=True)
    )
    parts = [replace(raster.part, column=raster.part.column - columns, row=raster.part.row - rows) for raster in export]
    name = _common_name(export)
    if name.casefold() in taken:
        name = export[0].scene.name
    mosaic = write_mosaic(parts, name, folder)
    logger.info("%d adjoining rasters are mapped as one scene, %s (%s).", len(export), name, mosaic)
    return replace(export[0].scene, name=name, image=mosaic)


def _common_name(export: Sequence[_Raster]) -> str:
    """The name of the export, or the part that all names begin with, or the name of the folder."""
    names = [raster.scene.name for raster in export]
    earth_engine = str(export[0].form["name of the export"])
    if earth_engine:
        return earth_engine
    common = "".join(letters[0] for letters in takewhile(_are_alike, zip(*names, strict=False)))
    # Neither a number nor a word is cut in two.
    for kind in (r"\d", r"[^\W\d_]"):
        if re.search(f"{kind}$", common) and any(re.match(kind, name[len(common) :]) for name in names):
            common = re.sub(f"{kind}+$", "", common)
    return re.sub(r"[\W_]+$", "", common) or export[0].scene.image.parent.name


def _are_alike(letters: tuple[str, ...]) -> bool:
    return len(set(letters)) == 1
