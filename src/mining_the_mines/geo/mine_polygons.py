"""Polygons of mines from any vector file, validated and repaired one by one."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely
from affine import Affine
from pyproj.exceptions import CRSError, ProjError
from shapely import GeometryType

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.antimeridian import cut_at_antimeridian
from mining_the_mines.geo.grid import HECTARE
from mining_the_mines.geo.vector_files import Geometries, VectorLayer, read_layers

logger = logging.getLogger(__name__)

Coordinates = npt.NDArray[np.float64]
#: From coordinates (points, 2) to coordinates (points, 2).
Transformation = Callable[[Coordinates], Coordinates]

ACCEPTED: Final = "accepted"
REPAIRED: Final = "repaired"
DROPPED: Final = "dropped"
#: Columns of an inventory and their types.
COLUMNS: Final = {"layer": "str", "feature": "Int64", "verdict": "str", "reason": "str", "hectares": "float64"}

# An edge is straight in the coordinates it was drawn in and bent in others. A vertex every 2 km (0.02 degrees) keeps
# it within 0.5 m of the drawn line, up to 80 degrees of latitude: an arc of length L deviates from its chord by
# L² tan(latitude) / 8R.
_LONGEST_EDGE_METRES: Final = 2_000.0
LONGEST_EDGE_DEGREES: Final = 0.02
#: Hectares beyond which a polygon is hardly one mine: the widest gold fields of Madre de Dios have about half of that.
LARGEST_MINE_HECTARES: Final = 100_000.0
#: Optional column with the kind of mine of each polygon.
_KIND_COLUMN: Final = "kind"
#: Degrees of WGS 84.
LON_LAT: Final = "EPSG:4326"
#: Cylindrical equal-area on the ellipsoid (J. H. Lambert, 1772): areas are right everywhere, shapes are not.
_EQUAL_AREA: Final = "+proj=cea +datum=WGS84 +units=m"
_POLYGONS: Final = (GeometryType.POLYGON, GeometryType.MULTIPOLYGON)
_NO_AREA: Final = {
    GeometryType.POINT: "point",
    GeometryType.MULTIPOINT: "point",
    GeometryType.LINESTRING: "line",
    GeometryType.LINEARRING: "line",
    GeometryType.MULTILINESTRING: "line",
}


@dataclass(frozen=True, eq=False)
class MinePolygons:
    """Polygons of mines.

    Attributes:
        geometry: Valid polygons and multipolygons in degrees of WGS 84, longitude first, (polygons,); long edges have
            enough vertices to keep their place in any other coordinates.
        hectares: Area of each on the ellipsoid, float64 (polygons,).
        inventory: One row per feature of the file, with the columns :data:`COLUMNS`: its layer, its number there, the
            verdict ``accepted``, ``repaired`` or ``dropped`` with the reason, and its area. The rows that were not
            dropped are the polygons, in the same order.
        source: The file, for messages.
        kinds: Kind of mine of each, from the file's column ``kind``; empty where it is missing.
        attributes: All columns of the file, one row per polygon.
    """

    geometry: Geometries
    hectares: npt.NDArray[np.float64]
    inventory: pd.DataFrame
    source: str
    kinds: tuple[str, ...]
    attributes: pd.DataFrame

    def __len__(self) -> int:
        """Number of polygons."""
        return len(self.geometry)


def read_mine_polygons(path: Path) -> MinePolygons:
    """Read polygons of mines; see :func:`read_polygons`. A polygon larger than any mine is doubted.

    Args:
        path: A vector file, or ``FILE|layername=NAME``.

    Returns:
        The polygons that can be used.

    Raises:
        BadInputError: As :func:`read_polygons` does.
    """
    polygons = read_polygons(path)
    _doubt_areas(path, polygons)
    return polygons


def read_polygons(path: Path) -> MinePolygons:
    """Read polygons, repair invalid ones, and list dropped ones with the reason.

    Rings that cross themselves or each other are untangled so that all they enclose is kept; of collections, the
    polygons are kept. Polygons across the antimeridian are cut there, and longitudes up to 360 are understood: an edge
    over more than half of the world is taken to go the short way.

    Args:
        path: A vector file, or ``FILE|layername=NAME``; see :func:`mining_the_mines.geo.vector_files.read_layers`.

    Returns:
        The polygons that can be used.

    Raises:
        BadInputError: The file is missing, can't be read, holds no feature or no usable polygon, or several layers of
            polygons of which none is named, or if a layer has no coordinate reference system or one that can't be
            placed on the Earth.
    """
    layers = read_layers(path)
    judged = [_judge_layer(path, layer) for layer in layers]
    parts = [part for part in judged if len(part.verdicts)]
    if not parts:
        raise BadInputError(f"{path} holds no feature: check that it is the right file, or the right layer of it.")
    geometry = np.concatenate([part.geometry for part in parts])
    inventory = pd.concat([part.inventory() for part in parts], ignore_index=True)
    usable = (inventory["verdict"] != DROPPED).to_numpy()
    if not usable.any():
        raise BadInputError(
            f"{path} holds no polygon that can be used ({_count_reasons(inventory)}): "
            "mines must be polygons with an area."
        )
    hectares = measure_hectares(geometry[usable])
    inventory.loc[usable, "hectares"] = hectares
    inventory = inventory[list(COLUMNS)].astype(COLUMNS)
    _report(path, inventory)
    kinds = tuple(kind for part in parts for kind in part.kinds)
    attributes = pd.concat([layer.attributes for layer in layers], ignore_index=True)[usable]
    return MinePolygons(geometry[usable], hectares, inventory, str(path), tuple(compress(kinds, usable)), attributes)


def measure_hectares(geometry: Geometries) -> npt.NDArray[np.float64]:
    """Measure polygons on the WGS 84 ellipsoid.

    Args:
        geometry: Polygons in degrees, longitude first.

    Returns:
        Hectares of each, float64; measured in Lambert's cylindrical equal-area projection.
    """
    flat = shapely.transform(geometry, transformation(LON_LAT, _EQUAL_AREA))
    areas: npt.NDArray[np.float64] = shapely.area(flat) / HECTARE
    return areas


def transformation(source: str, target: str) -> Transformation:
    """Make a transformation between coordinate reference systems.

    Args:
        source: Name, code or WKT of the first.
        target: Name, code or WKT of the second.

    Returns:
        A function of points with x before y, longitude before latitude; infinite where a point can't be transformed.

    Raises:
        ProjError: There is no transformation.
    """
    transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)

    def transform(points: Coordinates) -> Coordinates:
        return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))

    return transform


def place_pixels(transform: Affine, pixels: Coordinates) -> Coordinates:
    """Transform pixel coordinates to map coordinates.

    Args:
        transform: From (column, row) to map coordinates.
        pixels: Columns and rows, float64 (places, 2).

    Returns:
        Map coordinates, float64 (places, 2).
    """
    columns, rows = pixels[:, 0], pixels[:, 1]
    east = transform.a * columns + transform.b * rows + transform.c
    north = transform.d * columns + transform.e * rows + transform.f
    return np.column_stack((east, north))


def way_to_degrees(crs: str | None, layer: str) -> tuple[float, Transformation]:
    """Make the transformation of a layer to degrees, with the longest edge that stays straight in it.

    Args:
        crs: Name, code or WKT of its coordinate reference system.
        layer: Name of the layer in messages.

    Returns:
        The longest edge that needs no further vertex, in the layer's unit, and the transformation to WGS 84.

    Raises:
        BadInputError: There is no coordinate reference system, or it can't be placed on the Earth.
    """
    if crs is None or "undefined" in crs.lower():
        raise BadInputError(
            f"{layer} has no CRS, so that nobody can tell where its polygons lie: give it one (Assign Projection in "
            "QGIS) and save it again."
        )
    try:
        system = pyproj.CRS.from_user_input(crs)
        if system.is_geographic:
            return LONGEST_EDGE_DEGREES, transformation(crs, LON_LAT)
        metres = system.axis_info[0].unit_conversion_factor
        return _LONGEST_EDGE_METRES / metres, transformation(crs, LON_LAT)
    except (CRSError, ProjError) as error:
        raise BadInputError(
            f"{layer} has a CRS that can't be placed on the Earth: save it in another, such as EPSG:4326."
        ) from error


@dataclass(frozen=True)
class _JudgedLayer:
    """Features of a layer: in degrees where they can be used, ``None`` where they are dropped."""

    name: str
    numbers: npt.NDArray[np.int64]
    geometry: Geometries
    verdicts: Geometries
    reasons: Geometries
    kinds: tuple[str, ...]

    def inventory(self) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "layer": self.name,
                "feature": self.numbers,
                "verdict": self.verdicts,
                "reason": self.reasons,
                "hectares": np.nan,
            }
        )


def _judge_layer(path: Path, layer: VectorLayer) -> _JudgedLayer:
    nothing = np.empty(0, dtype=object)
    if not len(layer):
        return _JudgedLayer(layer.name, np.empty(0, dtype=np.int64), nothing, nothing, nothing, ())
    longest, to_degrees = way_to_degrees(layer.crs, f"The layer {layer.name} of {path}")
    reasons = np.array(
        [_fault(shape, lost) for shape, lost in zip(layer.geometry, layer.unreadable, strict=True)], dtype=object
    )
    geometry = layer.geometry.copy()
    geometry[[reason is not None for reason in reasons]] = None
    if longest == LONGEST_EDGE_DEGREES:
        geometry = cut_at_antimeridian(geometry)
    geometry, mended = _mend(geometry, reasons)
    geometry = shapely.transform(shapely.segmentize(geometry, longest), to_degrees)
    geometry = cut_at_antimeridian(geometry)
    _drop_off_the_earth(geometry, reasons)
    geometry, bent = _mend(geometry, reasons)
    dropped = np.array([shape is None for shape in geometry])
    verdicts = np.where(dropped, DROPPED, np.where(mended | bent, REPAIRED, ACCEPTED)).astype(object)
    return _JudgedLayer(layer.name, layer.numbers, geometry, verdicts, reasons, tuple(layer.text(_KIND_COLUMN)))


def _fault(shape: shapely.Geometry | None, unreadable: np.bool_) -> str | None:
    """Return the fault of a feature's kind or coordinates, if there is one."""
    if unreadable:
        return "unreadable geometry: its rings have too few points, or are no rings"
    if shape is None:
        return "no geometry: the feature has none"
    if shapely.is_empty(shape):
        return "no geometry: it is empty"
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        return "coordinates: some are no numbers"
    kind = GeometryType(int(shapely.get_type_id(shape)))
    if kind in _NO_AREA:
        return f"{_NO_AREA[kind]}: it has no area"
    return None


def _mend(geometry: Geometries, reasons: Geometries) -> tuple[Geometries, npt.NDArray[np.bool_]]:
    """Make geometries valid polygons; return them with a mask of those that were not, and note the reason."""
    mended = np.zeros(len(geometry), dtype=bool)
    whole = np.isin(shapely.get_type_id(geometry), _POLYGONS) & shapely.is_valid(geometry)
    result = geometry.copy()
    for row in np.flatnonzero(~whole & ~shapely.is_missing(geometry)):
        shape = geometry[row]
        cause = str(shapely.is_valid_reason(shape)).split("[")[0].lower()
        # "structure" merges overlapping parts, where "linework" would punch a hole into what was drawn twice.
        result[row] = _polygons_of(shapely.make_valid(shape, method="structure", keep_collapsed=False))
        mended[row] = result[row] is not None
        if not mended[row]:
            reasons[row] = f"collapsed: no area is left of it ({cause})"
        elif cause == "valid geometry":
            reasons[row] = "collection: only its polygons are kept"
        else:
            reasons[row] = f"invalid: {cause}"
    return result, mended


def _polygons_of(shape: shapely.Geometry) -> shapely.Geometry | None:
    """The polygons of a geometry as one, ``None`` if there is none."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    polygons = parts[(shapely.get_type_id(parts) == GeometryType.POLYGON) & (shapely.area(parts) > 0)]
    if len(polygons) == 0:
        return None
    united: shapely.Geometry = polygons[0] if len(polygons) == 1 else shapely.union_all(polygons)
    return united


def _drop_off_the_earth(geometry: Geometries, reasons: Geometries) -> None:
    boxes = shapely.bounds(geometry)
    there = ~shapely.is_missing(geometry)
    with np.errstate(invalid="ignore"):
        on_earth = (np.abs(boxes[:, [0, 2]]) <= 180).all(axis=1) & (np.abs(boxes[:, [1, 3]]) <= 90).all(axis=1)
    finite = np.array([np.isfinite(shapely.get_coordinates(shape)).all() for shape in geometry])
    for row in np.flatnonzero(there & ~(on_earth & finite)):
        geometry[row] = None
        reasons[row] = "off the Earth: its coordinates don't fit its CRS"


def _count_reasons(inventory: pd.DataFrame) -> str:
    counts = Counter(inventory.loc[inventory["verdict"] == DROPPED, "reason"].str.split(":").str[0])
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common())


def _doubt_areas(path: Path, polygons: MinePolygons) -> None:
    """Warn of polygons whose largest part is larger than any mine."""
    parts, owners = shapely.get_parts(polygons.geometry, return_index=True)
    large = np.unique(owners[measure_hectares(parts) > LARGEST_MINE_HECTARES])
    if not len(large):
        return
    listed = polygons.inventory[polygons.inventory["verdict"] != DROPPED].iloc[large[0]]
    logger.warning(
        "%d of %d polygons of %s are larger than any mine, such as feature %s of the layer %s with %.0f hectares: is "
        "it a study area or a district? Leave such polygons out, or name the layer of mines as FILE|layername=NAME.",
        len(large), len(polygons), path, listed["feature"], listed["layer"], listed["hectares"],
    )  # fmt: skip


def _report(path: Path, inventory: pd.DataFrame) -> None:
    verdicts = Counter(inventory["verdict"])
    usable = len(inventory) - verdicts[DROPPED]
    message = "%d of %d features of %s can be used, %d of them after a repair; %d were dropped%s."
    reasons = f" ({_count_reasons(inventory)})" if verdicts[DROPPED] else ""
    level = logging.WARNING if verdicts[DROPPED] else logging.INFO
    logger.log(level, message, usable, len(inventory), path.name, verdicts[REPAIRED], verdicts[DROPPED], reasons)
