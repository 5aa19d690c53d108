"""Maps of a region in a period, and the ground that they could not see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.equal_area import EqualAreaGrid
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.monitoring.periods import Period, check_order

#: Edges get a vertex for each of so many pixels, so that they stay where they are in another projection.
_LONGEST_EDGE_PIXELS: Final = 200


#: Maps of a region share their projection: PROJ takes long to find it.
_plane: Final = lru_cache(maxsize=64)(EqualAreaGrid)


@dataclass(frozen=True, eq=False)
class Unseen:
    """Ground without data.

    Attributes:
        parts: Polygons that don't overlap, (parts,).
    """

    parts: Geometries

    def area_in(self, shapes: Geometries) -> npt.NDArray[np.float64]:
        """Measure the area of each shape that was not seen, float64 (shapes,), in the unit of their coordinates."""
        shape, hidden = self._hidden(shapes)
        areas = np.zeros(len(shapes))
        np.add.at(areas, shape, shapely.area(hidden))
        return areas

    def cut_from(self, shapes: Geometries) -> Geometries:
        """Cut the ground that was not seen from each shape."""
        seen = shapes.copy()
        shape, hidden = self._hidden(shapes)
        for number in np.unique(shape):
            seen[number] = shapely.difference(shapes[number], shapely.union_all(hidden[shape == number]))
        return seen

    def _hidden(self, shapes: Geometries) -> tuple[npt.NDArray[np.intp], Geometries]:
        """Numbers of shapes, and a piece of each that was not seen."""
        # Prepared parts and a clip to the box of each shape keep intersections with large clouds cheap.
        part, shape = shapely.STRtree(shapes).query(self.parts, predicate="intersects")
        boxes = zip(self.parts[part], shapely.bounds(shapes[shape]), strict=True)
        near = np.array([shapely.clip_by_rect(cloud, *box) for cloud, box in boxes], dtype=object)
        return shape, shapely.intersection(shapely.make_valid(near), shapes[shape])


@dataclass(frozen=True, eq=False)
class PeriodMap:
    """The map of a region in a period.

    Attributes:
        region: Name of the region.
        period: The period.
        mines: Polygons with the attributes of a map, in the CRS of the grid.
        grid: Grid of the map, the same in all periods of a region.
        seen: Polygon of the ground with data, in the CRS of the grid.
        dates: Days of the images behind the map, in order, whether or not the ground was clear; empty if unknown.
        model: Name of the model.
        model_version: Its version.
        lineage_id: Lineage id of the map.
        probability: Probability raster on the grid, NaN without data; ``None`` if there is none.
        clear_dates: Raster with the number of clear dates of each pixel on the grid; ``None`` if it is unknown.
    """

    region: str
    period: Period
    mines: gpd.GeoDataFrame
    grid: ChipGrid
    seen: shapely.Geometry
    dates: tuple[date, ...] = ()
    model: str = ""
    model_version: str = ""
    lineage_id: str = ""
    probability: Path | None = None
    clear_dates: Path | None = None

    @property
    def days(self) -> tuple[date, ...]:
        """Days of the images; if they are unknown, the first and the last day of the period."""
        return self.dates or (self.period.start, self.period.end)

    @cached_property
    def plane(self) -> EqualAreaGrid:
        """The projection in which areas and distances are measured."""
        return _plane(self.grid)

    @cached_property
    def outlines(self) -> Geometries:
        """Polygons of the mines in metres of the plane, (mines,)."""
        return self.plane.project(self.mines.geometry.to_numpy())

    @cached_property
    def unseen(self) -> Unseen:
        """Ground of the grid without data, in metres of the plane."""
        pixel = float(np.sqrt(abs(self.grid.transform.determinant)))
        rest = shapely.get_parts(shapely.difference(shapely.box(*self.grid.bounds), self.seen))
        polygons = rest[shapely.get_type_id(rest) == shapely.GeometryType.POLYGON]
        return Unseen(self.plane.project(shapely.segmentize(polygons, _LONGEST_EDGE_PIXELS * pixel)))


def check_series(maps: Sequence[PeriodMap]) -> None:
    """Refuse maps of a region that can't be compared.

    Args:
        maps: Of one region, in order of time.

    Raises:
        BadInputError: Periods overlap or lie in the wrong order, or the grid changed.
    """
    check_order([found.period for found in maps])
    first = maps[0]
    for later in maps[1:]:
        if later.grid != first.grid:
            raise BadInputError(
                f"{first.region}: the grid of {later.period.name} is not that of {first.period.name}: make all maps of "
                "a region on one grid, or give the region of another grid another name."
            )
