"""Regions of interest: named boxes on the Earth, from a file or from the parameters."""

import logging
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyproj
import shapely
from pyproj.exceptions import CRSError

from mining_the_mines.core.errors import BadInputError, SceneError
from mining_the_mines.geo.antimeridian import cut_at_antimeridian
from mining_the_mines.geo.degrees import wrap_longitude
from mining_the_mines.geo.mine_polygons import LONGEST_EDGE_DEGREES, way_to_degrees
from mining_the_mines.geo.vector_files import VectorLayer, read_layers, split_layer

logger = logging.getLogger(__name__)

#: West, south, east and north in degrees of WGS 84.
Bounds = tuple[float, float, float, float]

#: Points added to an edge before it changes coordinate systems, where it bends: the box holds the whole shape.
_POINTS_AN_EDGE: Final = 50
#: Regions name files and folders.
_NO_FILE_NAME: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]|^\.|[. ]$|^$')


@dataclass(frozen=True)
class Region:
    """A region that a composite is made of.

    Attributes:
        name: Unique among the regions of a run; files are named by it.
        bounds: West, south, east and north in degrees of WGS 84.
        epsg: EPSG code of its composite's CRS; ``None`` for the UTM zone of most scenes.
    """

    name: str
    bounds: Bounds
    epsg: int | None = None

    def __post_init__(self) -> None:
        fault = _name_fault(self.name) or _bounds_fault(self.bounds) or _epsg_fault(self.epsg)
        if fault:
            raise SceneError(f"The region {self.name!r} {fault}.")

    @property
    def middle(self) -> tuple[float, float]:
        """Longitude and latitude of its middle."""
        west, south, east, north = self.bounds
        return (west + east) / 2, (south + north) / 2


def read_regions(source: Path | str | Mapping[str, Sequence[float]]) -> tuple[Region, ...]:
    """Read regions from a vector file, or from boxes by name.

    Args:
        source: A vector file in any CRS, or ``FILE|layername=NAME``, one feature per region, of which the bounding box
            counts. The column ``name`` names it, else the name of the file and a number; the optional column ``epsg``
            is the CRS of its composite. Or boxes by name: west, south, east, north in degrees.

    Returns:
        The regions, in the order given.

    Raises:
        SceneError: There is no region, the file can't be read or has no CRS, a box is empty or lies outside the Earth,
            or a name is given twice.
    """
    if isinstance(source, Mapping):
        regions, origin = tuple(_from_box(name, box) for name, box in source.items()), "The parameter regions"
    else:
        regions, origin = _from_file(Path(source)), str(source)
    if not regions:
        raise SceneError(f"{origin} holds no region: give one at least, with a name and its bounds in degrees.")
    # Files are named after regions, and some file systems ignore case.
    twice = [name for name, uses in Counter(region.name.casefold() for region in regions).items() if uses > 1]
    if twice:
        raise SceneError(f"{origin} has more than one region of the name {', '.join(twice)}: name them differently.")
    return regions


def _from_box(name: str, box: Sequence[float]) -> Region:
    if len(box) != 4:
        raise SceneError(
            f"The region {name!r} has {len(box)} numbers for its bounds: give four, west, south, east and north in "
            "degrees."
        )
    west, south, east, north = (float(edge) for edge in box)
    if 180 < east <= 360 and east - west < 360:
        west, east = wrap_longitude(west), wrap_longitude(east)
    return Region(str(name), (west, south, east, north))


def _from_file(path: Path) -> tuple[Region, ...]:
    try:
        shapes = [_in_degrees(path, layer) for layer in read_layers(path)]
    except BadInputError as error:
        raise SceneError(f"No regions can be read: {error}") from error
    stem = split_layer(path)[0].stem
    found = [each for part in shapes for each in part]
    named = [(name or f"{stem}_{number}", code, shape) for number, (name, code, shape) in enumerate(found, start=1)]
    return tuple(
        Region(part, bounds, _code(code, name)) for name, code, shape in named for part, bounds in _boxes(name, shape)
    )


def _in_degrees(path: Path, layer: VectorLayer) -> list[tuple[str, str, shapely.Geometry]]:
    """Name, EPSG code and shape of each feature that has a shape."""
    longest, to_degrees = way_to_degrees(layer.crs, f"The layer {layer.name} of {path}")
    there = np.flatnonzero(~(shapely.is_missing(layer.geometry) | shapely.is_empty(layer.geometry)))
    drawn = layer.geometry[there]
    if longest == LONGEST_EDGE_DEGREES:
        drawn = cut_at_antimeridian(drawn)
    # The step between points follows the size of each feature.
    dense = np.array([_segmentize(shape) for shape in drawn], dtype=object)
    degrees = cut_at_antimeridian(shapely.transform(dense, to_degrees))
    names, codes = ([layer.text(column)[row] for row in there] for column in ("name", "epsg"))
    return list(zip(names, codes, degrees, strict=True))


def _boxes(name: str, shape: shapely.Geometry) -> list[tuple[str, Bounds]]:
    """The box of a region; two where it lies on both sides of the antimeridian."""
    parts = shapely.get_parts(shape)
    west, _, east, _ = shapely.bounds(parts).T
    if east.max() < 180 or west.min() > -180 or len(parts) == 1:
        return [(name, _box(shape))]
    logger.warning(
        "The region %s lies across the antimeridian: its sides become two, %s_west and %s_east.", *[name] * 3
    )
    sides = {f"{name}_west": parts[west > 0], f"{name}_east": parts[west <= 0]}
    return [(side, _box(shapely.GeometryCollection(list(shapes)))) for side, shapes in sides.items()]


def _box(shape: shapely.Geometry) -> Bounds:
    west, south, east, north = (float(edge) for edge in shapely.bounds(shape))
    return west, south, east, north


def _segmentize(shape: shapely.Geometry) -> shapely.Geometry:
    west, south, east, north = shapely.bounds(shape)
    span = max(east - west, north - south)
    dense: shapely.Geometry = shapely.segmentize(shape, span / _POINTS_AN_EDGE) if span > 0 else shape
    return dense


def _code(value: str, name: str) -> int | None:
    text = value.upper().removeprefix("EPSG:").removesuffix(".0")
    if not text:
        return None
    if not text.isdigit():
        raise SceneError(f"The region {name!r} has the EPSG code {value!r}: give a number, such as 32721.")
    return int(text)


def _name_fault(name: str) -> str | None:
    if _NO_FILE_NAME.search(name):
        return "can't name files: leave out slashes and other signs that file systems reserve, and a dot at either end"
    return None


def _bounds_fault(bounds: Bounds) -> str | None:
    west, south, east, north = bounds
    told = f"{west:g}, {south:g}, {east:g}, {north:g}"
    if not all(math.isfinite(edge) for edge in bounds):
        return f"has bounds that are no numbers ({told}): give west, south, east and north in degrees"
    if max(abs(south), abs(north)) > 90 >= max(abs(west), abs(east)):
        return f"reaches beyond a pole ({told}): its axes are swapped; longitude comes first"
    if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        return f"lies outside the world ({told}): give west, south, east and north in degrees of WGS 84"
    if west >= east and south < north:
        return (
            f"has its west at or beyond its east ({told}): swap them; a region across the antimeridian is given as two"
        )
    if west >= east or south >= north:
        return f"is empty ({told}): west must be less than east, and south less than north"
    return None


def _epsg_fault(epsg: int | None) -> str | None:
    if epsg is None:
        return None
    try:
        system = pyproj.CRS.from_epsg(epsg)
    except CRSError:
        return f"names EPSG:{epsg}, which is no coordinate reference system: give one in metres, such as 32721"
    if not system.is_projected or system.axis_info[0].unit_name != "metre":
        return f"names EPSG:{epsg}, which is not in metres: give a projected system, such as a UTM zone"
    return None
