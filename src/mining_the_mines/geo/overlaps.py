"""Overlaps of mines and named areas, in an equal-area projection."""

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from mining_the_mines.geo.grid import HECTARE, Box
from mining_the_mines.geo.mine_polygons import (
    LON_LAT,
    LONGEST_EDGE_DEGREES,
    Coordinates,
    Transformation,
    transformation,
    way_to_degrees,
)
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.geo.vector_files import Geometries

Hectares = npt.NDArray[np.float64]

#: One square metre: smaller overlaps come from rounding where borders touch.
SLIVER: Final = 1 / HECTARE
#: Areas are cut off so many degrees around the mines: what lies far away can't always be projected.
_MARGIN: Final = 0.1


@dataclass(frozen=True, eq=False)
class ProjectedMines:
    """Mines in Lambert's azimuthal equal-area projection about their middle.

    Attributes:
        mines: Valid polygons in metres, (mines,).
        from_degrees: Transformation from WGS 84, longitude first, to these metres.
        windows: West, south, east and north in degrees around the mines; two where they lie on both sides of the
            antimeridian, none where there is no mine.
    """

    mines: Geometries
    from_degrees: Transformation
    windows: tuple[Box, ...]

    @property
    def hectares(self) -> Hectares:
        """Area of each mine."""
        areas: Hectares = shapely.area(self.mines) / HECTARE
        return areas


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Parts of mines inside areas: one for each mine and each name of an area that it meets.

    Attributes:
        mine: Position of the mine, int64 (pieces,), ascending.
        name: Of the area, (pieces,); the largest piece of a mine first.
        piece: Part of the mine in all areas of that name, (pieces,), in metres.
        mines: The mines.
    """

    mine: npt.NDArray[np.int64]
    name: Geometries
    piece: Geometries
    mines: ProjectedMines

    @property
    def hectares(self) -> Hectares:
        """Area of each piece."""
        areas: Hectares = shapely.area(self.piece) / HECTARE
        return areas

    def parts_of_mines(self) -> Geometries:
        """Part of each mine in any of the areas, (mines,), empty if none; overlapping areas count once."""
        parts = np.full(len(self.mines.mines), shapely.Polygon(), dtype=object)
        for mine, pieces in _grouped(self.mine, self.piece):
            parts[mine] = pieces[0] if len(pieces) == 1 else shapely.union_all(pieces)
        return parts

    def names_of_mines(self) -> list[str | None]:
        """Names of the areas that each mine lies in, "; " between; ``None`` where there is none."""
        names: list[str | None] = [None] * len(self.mines.mines)
        for mine, met in _grouped(self.mine, self.name):
            names[mine] = "; ".join(met)
        return names


def project_mines(mines: gpd.GeoDataFrame) -> ProjectedMines:
    """Project mines to Lambert's azimuthal equal-area projection about their middle.

    Args:
        mines: Polygons in any coordinate reference system.

    Returns:
        The projected polygons. Areas are those on the WGS 84 ellipsoid however large the scene is; edges get a point
        every 2 km, so that they stay where they are in the mines' own coordinates.

    Raises:
        BadInputError: If their coordinate reference system can't be placed on the Earth.
    """
    longest, to_degrees = way_to_degrees(None if mines.crs is None else mines.crs.to_wkt(), "The map of mines")
    degrees = shapely.transform(shapely.segmentize(mines.geometry.to_numpy(), longest), to_degrees)
    points = shapely.get_coordinates(degrees)
    longitude, latitude = _middle(points)
    equal_area = f"+proj=laea +lon_0={longitude} +lat_0={latitude} +datum=WGS84 +units=m"
    from_degrees = transformation(LON_LAT, equal_area)
    flat = _valid(shapely.transform(degrees, from_degrees))
    return ProjectedMines(flat, from_degrees, _windows(points, longitude))


def cut_out(projected: ProjectedMines, areas: NamedAreas) -> Overlaps:
    """Intersect mines with areas.

    Args:
        projected: The mines.
        areas: Areas anywhere on the Earth.

    Returns:
        The parts of the mines inside areas; borders that only touch give none.
    """
    owners, flat = _nearby(projected, areas)
    tree = shapely.STRtree(projected.mines)
    # Each area is prepared once; only where a border crosses a mine is there anything to compute.
    area, mine = tree.query(flat, predicate="intersects")
    whole = np.isin(_key(area, mine), _key(*tree.query(flat, predicate="covers")))
    pieces = projected.mines[mine]
    pieces[~whole] = shapely.intersection(pieces[~whole], _border(flat[area[~whole]], pieces[~whole]))
    names = np.array(areas.names, dtype=object)[owners[area]]
    return _collect(mine, names, pieces, projected)


def _collect(
    mine: npt.NDArray[np.integer], names: Geometries, pieces: Geometries, projected: ProjectedMines
) -> Overlaps:
    """One piece for each mine and name, the largest of a mine first, without slivers."""
    table = pd.DataFrame({"mine": mine.astype(np.int64), "name": names, "piece": pieces}).astype({"piece": object})
    rows = [
        (*key, shapely.union_all(same.to_numpy()) if len(same) > 1 else same.iloc[0])
        for key, same in table.groupby(["mine", "name"])["piece"]
    ]
    table = pd.DataFrame(rows, columns=["mine", "name", "piece"]).astype({"mine": np.int64})
    table["hectares"] = shapely.area(table["piece"].to_numpy(dtype=object)) / HECTARE
    table = table[table["hectares"] > SLIVER]
    table = table.sort_values(["mine", "hectares", "name"], ascending=[True, False, True])
    name, piece = (table[column].to_numpy(dtype=object) for column in ("name", "piece"))
    return Overlaps(table["mine"].to_numpy(dtype=np.int64), name, piece, projected)


def _key(area: npt.NDArray[np.integer], mine: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """One number for a pair of positions."""
    keys: npt.NDArray[np.int64] = area.astype(np.int64) << 32 | mine.astype(np.int64)
    return keys


def _border(areas: Geometries, mines: Geometries) -> Geometries:
    """The part of each area around its mine, of which there is far less in large areas."""
    boxes = zip(areas, shapely.bounds(mines), strict=True)
    near = [
        shapely.clip_by_rect(area, left - 1, low - 1, right + 1, top + 1) for area, (left, low, right, top) in boxes
    ]
    return _valid(np.array(near, dtype=object))


def _grouped(mine: npt.NDArray[np.int64], values: Geometries) -> list[tuple[int, Geometries]]:
    """Values by mine; equal mines stand together."""
    mines, starts = np.unique(mine, return_index=True)
    return list(zip(mines.tolist(), np.split(values, starts[1:]), strict=True)) if len(mines) else []


def _nearby(projected: ProjectedMines, areas: NamedAreas) -> tuple[npt.NDArray[np.intp], Geometries]:
    """Areas around the mines in the same projection, and their positions among all areas."""
    owners, parts = [np.empty(0, dtype=np.intp)], [np.empty(0, dtype=object)]
    for window in projected.windows:
        cut = shapely.clip_by_rect(areas.geometry, *window)
        (met,) = np.nonzero(~shapely.is_empty(cut))
        # The window's own edges bend too.
        dense = shapely.segmentize(cut[met], LONGEST_EDGE_DEGREES)
        owners.append(met)
        parts.append(_valid(shapely.transform(dense, projected.from_degrees)))
    return np.concatenate(owners), np.concatenate(parts)


def _middle(points: Coordinates) -> tuple[float, float]:
    """Longitude and latitude of the middle of points, also across the antimeridian."""
    if not len(points):
        return 0.0, 0.0
    east, north = np.radians(points).T
    x, y, z = (np.cos(north) * np.cos(east)).mean(), (np.cos(north) * np.sin(east)).mean(), np.sin(north).mean()
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def _windows(points: Coordinates, middle: float) -> tuple[Box, ...]:
    if not len(points):
        return ()
    across = (points[:, 0] - middle + 180) % 360 - 180
    west, east = middle + across.min() - _MARGIN, middle + across.max() + _MARGIN
    south, north = points[:, 1].min() - _MARGIN, points[:, 1].max() + _MARGIN
    if west < -180:
        return (west + 360, south, 180.0, north), (-180.0, south, east, north)
    if east > 180:
        return (west, south, 180.0, north), (-180.0, south, east - 360, north)
    return ((west, south, east, north),)


def _valid(shapes: Geometries) -> Geometries:
    """Rounding in other coordinates may let rings that touch cross by a hair."""
    bent = ~shapely.is_valid(shapes)
    shapes[bent] = shapely.make_valid(shapes[bent], method="structure", keep_collapsed=False)
    return shapes
