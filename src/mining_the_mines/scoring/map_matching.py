"""Matching of mapped mines with reference mines.

An object is a connected area on the ground. Reference polygons that overlap or nearly touch are one object, since
no map of pixels can keep them apart, and a reference of several parts is as many objects, since no map can tell that
they have one owner. All areas are those of polygons, in Lambert's azimuthal equal-area projection about the middle of
the scored area: finer than counting pixels, and right in every coordinate reference system.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import GeometryType

from mining_the_mines.geo.grid import HECTARE
from mining_the_mines.geo.mine_polygons import LON_LAT, transformation
from mining_the_mines.geo.vector_files import Geometries

REFERENCE: Final = "reference"
PREDICTION: Final = "prediction"
#: Columns of a table of objects and their types, before the geometry.
OBJECT_COLUMNS: Final = {
    "scene": "str", "side": "str", "object": "int64", "site": "int64", "hectares": "float64", "size_class": "str",
    "share_inside": "float64", "counted": "bool", "touched": "bool", "matched": "bool", "partner": "Int64",
    "iou": "float64", "common_hectares": "float64",
}  # fmt: skip
#: Square metres of common ground below which two objects do not touch: coordinates are no more exact than that.
_TOUCHING: Final = 1.0
#: An edge bends when it changes coordinates; in pieces of this share of the scored area it stays where it was, to 0.5 m
#: in a scene of 110 km.
_EDGE_SHARE: Final = 0.01


class MapScoreSettings(BaseModel):
    """How a map is compared with reference polygons."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    iou: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Overlap (intersection over union) from which a mapped mine and a reference mine are the same one. "
        "Above 0.5 no mine has two such partners (Kirillov et al., Panoptic Segmentation, CVPR 2019).",
    )
    size_classes_ha: tuple[float, ...] = Field(
        (0.5, 2.0, 10.0),
        description="Where classes of size begin and end, in hectares: small mines are the hard ones, and the many.",
    )
    join_metres: float = Field(
        5.0,
        ge=0,
        description="Reference polygons no farther apart than this are one mine: half a pixel of 10 m, below which the "
        "gap between them has no pixel of its own.",
    )
    inside_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="An object counts only if at least this share of it lies where the map has data. "
        "The other objects are neither missed nor false.",
    )
    without_reference: Literal["leave_out", "no_mines"] = Field(
        "leave_out",
        description="What a scene means in which no reference mine lies: nobody has looked (leave_out), or there is "
        "none, so that all that is mapped there is false (no_mines).",
    )

    @field_validator("size_classes_ha")
    @classmethod
    def _rising(cls, limits: tuple[float, ...]) -> tuple[float, ...]:
        if any(low >= high for low, high in zip((0.0, *limits), limits, strict=False)):
            raise ValueError(f"limits of size classes must be above 0 and rise, as 0.5, 2, 10 do; given: {limits}")
        return limits


@dataclass(frozen=True, eq=False)
class MapComparison:
    """A scene's mapped mines beside its reference mines.

    Attributes:
        scene: Name of the scene.
        objects: One row per object that reaches into the scored area, reference mines first, with the columns
            :data:`OBJECT_COLUMNS`: its ``side``; ``object``, a mapped mine's own id or the number of a reference
            object; ``site``, the same for objects that are linked by common ground; ``hectares``, ``size_class`` and
            ``common_hectares`` (shared with the other side), all inside the scored area; ``share_inside``, how much of
            the whole object that is; ``counted``, whether it is scored; ``touched``, whether it shares ground with an
            object of the other side; ``matched`` and ``partner``, whether and which of them is the same mine; ``iou``
            with the partner, or with the one that fits best, 0 without any. ``geometry`` is the part inside, in
            degrees of WGS 84; a mine across the antimeridian has vertices on both sides of it.
        references_outside: Number of reference polygons that lie outside the scored area.
    """

    scene: str
    objects: gpd.GeoDataFrame
    references_outside: int


def compare_with_reference(
    scene: str,
    mines: gpd.GeoDataFrame,
    reference: gpd.GeoDataFrame,
    area: shapely.Geometry,
    settings: MapScoreSettings,
) -> MapComparison:
    """Match the mapped mines of a scene with reference mines.

    Two objects are the same mine if their IoU reaches ``settings.iou``, one to one: as many pairs as possible, and
    among those ways the one with the greatest IoU in total. Two objects touch if they share ground. An object of which
    less than ``settings.inside_share`` lies inside the scored area is set aside, and so is one that touches only such
    objects.

    Args:
        scene: Its name.
        mines: Mapped mines, with ``id`` and a CRS; any number.
        reference: Valid polygons in any CRS, with enough vertices to be reprojected, as
            :func:`mining_the_mines.geo.mine_polygons.read_mine_polygons` gives them; any number, anywhere.
        area: Area of the comparison, in the CRS of the mines: the area in which the map has data (see
            :func:`mining_the_mines.mapping.scene_map.polygonize_known`) and, if not everywhere, mines were drawn.
            Both sides are clipped to it.
        settings: How to compare.

    Returns:
        The objects of both sides.

    Raises:
        ValueError: If mines or reference have no CRS.
    """
    if mines.crs is None or reference.crs is None:
        raise ValueError("Mapped mines and reference can be compared only where both have a CRS.")
    flat, ground = _flatten(area, mines.crs)
    near = reference[lies_near(reference, area, mines.crs)]
    drawn = _place(near, ground)
    reaching = shapely.intersects(flat, drawn)
    joined = _join(drawn[reaching], settings.join_metres)
    true = _clip(joined, np.arange(1, len(joined) + 1), flat)
    mapped = _clip(_place(mines, ground), mines["id"].to_numpy(dtype=np.int64), flat)
    pairs = _match(_pair(mapped, true), settings.iou)
    _, site = _linked(pairs[PREDICTION], len(mapped) + pairs[REFERENCE], len(mapped) + len(true))
    table = pd.concat(
        [
            _describe(true, mapped, pairs, REFERENCE, settings.inside_share).assign(site=site[len(mapped) :]),
            _describe(mapped, true, pairs, PREDICTION, settings.inside_share).assign(site=site[: len(mapped)]),
        ],
        ignore_index=True,
    ).assign(scene=scene)
    table["size_class"] = size_classes(table["hectares"].to_numpy(), settings.size_classes_ha)
    degrees = shapely.transform(table["geometry"].to_numpy(), transformation(ground, LON_LAT))
    objects = gpd.GeoDataFrame(table[list(OBJECT_COLUMNS)].astype(OBJECT_COLUMNS), geometry=degrees, crs=LON_LAT)
    return MapComparison(scene, objects, len(reference) - int(reaching.sum()))


def lies_near(reference: gpd.GeoDataFrame, area: shapely.Geometry, crs: pyproj.CRS) -> NDArray[np.bool_]:
    """Find the reference polygons whose bounding box reaches into an area.

    Polygons far from an area can't be transformed to a projection of its surroundings.

    Args:
        reference: Polygons in any CRS.
        area: Any geometry.
        crs: Of the area.

    Returns:
        Whether each polygon may, boolean (N,); none where the area can't be placed in the CRS of the reference.
    """
    if shapely.is_empty(area) or reference.empty:
        return np.zeros(len(reference), dtype=np.bool_)
    there = pyproj.Transformer.from_crs(crs, reference.crs, always_xy=True)
    west, south, east, north = there.transform_bounds(*shapely.bounds(area))
    if not np.isfinite((west, south, east, north)).all():
        return np.zeros(len(reference), dtype=np.bool_)
    boxes = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    bounds = shapely.bounds(reference.geometry.to_numpy())
    across = (bounds[:, 3] >= south) & (bounds[:, 1] <= north)
    beside = [(bounds[:, 2] >= left) & (bounds[:, 0] <= right) for left, right in boxes]
    near: NDArray[np.bool_] = across & np.any(beside, axis=0)
    return near


def size_class_titles(limits: tuple[float, ...]) -> tuple[str, ...]:
    """Name classes of size, the smallest first.

    Args:
        limits: Where they begin and end, in hectares, rising.
    """
    if not limits:
        return ("all sizes",)
    between = (f"{low:g} to {high:g} ha" for low, high in pairwise(limits))
    return (f"under {limits[0]:g} ha", *between, f"{limits[-1]:g} ha and more")


def size_classes(hectares: NDArray[np.float64], limits: tuple[float, ...]) -> NDArray[np.object_]:
    """Classify areas by size; a limit belongs to the class that it begins."""
    titles = np.array(size_class_titles(limits), dtype=np.object_)
    named: NDArray[np.object_] = titles[np.digitize(hectares, limits)]
    return named


def _flatten(area: shapely.Geometry, crs: pyproj.CRS) -> tuple[shapely.Geometry, str]:
    """Project an area about its own middle, where areas are right; the projection."""
    # An empty area has no middle; where its projection is centred matters to nothing then.
    middle = np.zeros((1, 2)) if shapely.is_empty(area) else shapely.get_coordinates(shapely.centroid(area))
    ((longitude, latitude),) = transformation(crs.to_wkt(), LON_LAT)(middle)
    ground = f"+proj=laea +lon_0={longitude} +lat_0={latitude} +datum=WGS84 +units=m"
    west, south, east, north = shapely.bounds(area)
    edge = 1.0 if shapely.is_empty(area) else _EDGE_SHARE * float(max(east - west, north - south))
    pieces = shapely.segmentize(area, edge)
    flat = shapely.make_valid(shapely.transform(pieces, transformation(crs.to_wkt(), ground)))
    shapely.prepare(flat)
    return flat, ground


def _place(polygons: gpd.GeoDataFrame, ground: str) -> Geometries:
    """Project polygons and make them valid."""
    to_ground = transformation(polygons.crs.to_wkt(), ground)
    return np.asarray(shapely.make_valid(shapely.transform(polygons.geometry.to_numpy(), to_ground)))


def _clip(geometry: Geometries, number: NDArray[np.int64], area: shapely.Geometry) -> pd.DataFrame:
    """Clip polygons to the area and drop those outside.

    Returns:
        ``object`` (its number), clipped ``geometry``, ``square_metres`` of it, and ``share_inside`` of the whole.
    """
    clipped = geometry.copy()
    crossing = ~shapely.covers(area, geometry)
    clipped[crossing] = shapely.intersection(area, geometry[crossing])
    inside = shapely.area(clipped)
    columns = {"object": number, "geometry": clipped, "square_metres": inside}
    objects = pd.DataFrame(columns).assign(share_inside=inside / shapely.area(geometry))
    return objects[inside > _TOUCHING].reset_index(drop=True)


def _join(geometry: Geometries, metres: float) -> Geometries:
    """Split polygons into parts, and join parts that are no farther apart than this."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    parts = parts[(shapely.get_type_id(parts) == GeometryType.POLYGON) & (shapely.area(parts) > 0)]
    one, other = shapely.STRtree(parts).query(parts, predicate="dwithin", distance=metres)
    count, group = _linked(one, other, len(parts))
    members = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group, minlength=count))[:-1])
    joined = np.empty(count, dtype=np.object_)
    joined[:] = [parts[of[0]] if len(of) == 1 else shapely.union_all(parts[of]) for of in members[:count]]
    return joined


def _linked(one: ArrayLike, other: ArrayLike, size: int) -> tuple[int, NDArray[np.int32]]:
    """Number the connected components."""
    rows, columns = np.asarray(one), np.asarray(other)
    links = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size))
    count, group = connected_components(links, directed=False)
    return int(count), group


def _pair(mapped: pd.DataFrame, true: pd.DataFrame) -> pd.DataFrame:
    """Pairs that share ground: rows of both sides, ``common`` square metres and ``iou``."""
    ours, theirs = mapped["geometry"].to_numpy(), true["geometry"].to_numpy()
    one, other = shapely.STRtree(theirs).query(ours, predicate="intersects")
    common = shapely.area(shapely.intersection(ours[one], theirs[other]))
    areas = mapped["square_metres"].to_numpy()[one] + true["square_metres"].to_numpy()[other]
    pairs = pd.DataFrame({PREDICTION: one, REFERENCE: other, "common": common, "iou": common / (areas - common)})
    touching: pd.DataFrame = pairs[common > _TOUCHING].reset_index(drop=True)
    return touching


def _match(pairs: pd.DataFrame, iou: float) -> pd.DataFrame:
    """Mark the pairs that are the ``same`` mine, one to one: as many as possible, then the best."""
    fits = pairs[pairs["iou"] >= iou]
    same = np.zeros(len(pairs), dtype=np.bool_)
    same[fits.index] = True
    disputed = fits[fits.duplicated(PREDICTION, keep=False) | fits.duplicated(REFERENCE, keep=False)]
    if len(disputed):
        same[disputed.index] = False
        first = int(disputed[PREDICTION].max()) + 1
        _, group = _linked(
            disputed[PREDICTION], first + disputed[REFERENCE], first + int(disputed[REFERENCE].max()) + 1
        )
        for _, candidates in disputed.groupby(group[disputed[PREDICTION]]):
            same[_settle(candidates)] = True
    return pairs.assign(same=same)


def _settle(candidates: pd.DataFrame) -> "pd.Index[int]":
    """Choose among candidates that exclude each other, by the Hungarian method."""
    mapped, row = np.unique(candidates[PREDICTION], return_inverse=True)
    true, column = np.unique(candidates[REFERENCE], return_inverse=True)
    # One pair more is worth more than all IoU together.
    worth = np.zeros((len(mapped), len(true)))
    worth[row, column] = candidates["iou"] + min(worth.shape)
    chosen = np.zeros(worth.shape, dtype=np.bool_)
    chosen[linear_sum_assignment(worth, maximize=True)] = True
    return candidates.index[chosen[row, column]]


def _describe(
    objects: pd.DataFrame, others: pd.DataFrame, pairs: pd.DataFrame, side: str, inside_share: float
) -> pd.DataFrame:
    """Describe the relation of each object of a side to the other side.

    An object counts if it lies inside and doesn't touch only objects that are outside.
    """
    other_side = PREDICTION if side == REFERENCE else REFERENCE
    own, other = pairs[side].to_numpy(), pairs[other_side].to_numpy()
    same, size = pairs["same"].to_numpy(), len(objects)
    best = np.zeros(size)
    np.maximum.at(best, own, pairs["iou"].to_numpy())
    best[own[same]] = pairs["iou"].to_numpy()[same]
    partners = pd.array(np.full(size, pd.NA), dtype="Int64")
    partners[own[same]] = others["object"].to_numpy()[other[same]]
    touched = np.bincount(own, minlength=size) > 0
    other_inside = others["share_inside"].to_numpy() >= inside_share
    touches_inside = np.bincount(own[other_inside[other]], minlength=size) > 0
    return objects.assign(
        side=side,
        hectares=objects["square_metres"] / HECTARE,
        counted=(objects["share_inside"] >= inside_share) & (~touched | touches_inside),
        touched=touched,
        matched=np.isin(np.arange(size), own[same]),
        partner=partners,
        iou=best,
        common_hectares=np.bincount(own, weights=pairs["common"], minlength=size) / HECTARE,
    )
