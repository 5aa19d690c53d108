"""Hectares on the ellipsoid, in any coordinate reference system."""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from pyproj.exceptions import CRSError, ProjError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import HECTARE, ChipGrid
from mining_the_mines.geo.mine_polygons import LON_LAT, Transformation, place_pixels, transformation
from mining_the_mines.geo.vector_files import Geometries

#: Number of pixels along each side of a raster that are measured.
_PLACES: Final = 9
#: Factor by which other pixels may be larger or smaller than the measured ones.
_SLACK: Final = 1.1


@dataclass(frozen=True, eq=False)
class EqualAreaGrid:
    """Measures polygons of a raster in Lambert's azimuthal equal-area projection about the raster's middle.

    Areas are right in every CRS, Web Mercator included, and across the antimeridian. The projection keeps areas however
    far from its centre; the error comes from edges drawn straight between their ends. It is 1e-7 of the area for a
    square of 10 km in a UTM scene of 110 km, 6e-7 in a raster of 5 degrees at 60 degrees of latitude, and a hundredth
    of that for a square of 1 km.

    Attributes:
        grid: Grid of the raster.
    """

    grid: ChipGrid

    def measure(self, geometry: Geometries) -> npt.NDArray[np.float64]:
        """Measure polygons.

        Args:
            geometry: Polygons in the grid's CRS.

        Returns:
            Hectares of each polygon on the WGS 84 ellipsoid.

        Raises:
            BadInputError: The CRS can't be placed on the Earth.
        """
        hectares: npt.NDArray[np.float64] = shapely.area(self.project(geometry)) / HECTARE
        return hectares

    def project(self, geometry: Geometries) -> Geometries:
        """Project geometries.

        Args:
            geometry: In the grid's CRS, without long edges.

        Returns:
            The geometries in metres of :attr:`crs`.

        Raises:
            BadInputError: The CRS can't be placed on the Earth.
        """
        flat: Geometries = shapely.transform(geometry, self._flat)
        return flat

    def from_degrees(self, geometry: Geometries) -> Geometries:
        """Project geometries from degrees of WGS 84 to metres of :attr:`crs`."""
        flat: Geometries = shapely.transform(geometry, self._from_degrees)
        return flat

    def to_degrees(self, flat: Geometries) -> Geometries:
        """Turn geometries in metres of :attr:`crs` into degrees of WGS 84."""
        degrees: Geometries = shapely.transform(flat, self._to_degrees)
        return degrees

    @cached_property
    def pixel_range(self) -> tuple[float, float]:
        """Lower and upper bound of the hectares of a pixel.

        Raises:
            BadInputError: The CRS can't be placed on the Earth.
        """
        columns = np.linspace(0, self.grid.width - 1, _PLACES)
        rows = np.linspace(0, self.grid.height - 1, _PLACES)
        left, top = (corner.ravel() for corner in np.meshgrid(columns, rows))
        boxes = shapely.box(left, top, left + 1, top + 1)
        hectares = self.measure(shapely.transform(boxes, partial(place_pixels, self.grid.transform)))
        return float(np.nanmin(hectares)) / _SLACK, float(np.nanmax(hectares)) * _SLACK

    @cached_property
    def crs(self) -> str:
        """The projection about the raster's middle, in PROJ's notation.

        Raises:
            BadInputError: The CRS can't be placed on the Earth.
        """
        try:
            middle = np.array([self.grid.transform @ (self.grid.width / 2, self.grid.height / 2)])
            ((longitude, latitude),) = transformation(self.grid.crs.to_wkt(), LON_LAT)(middle)
            if not np.isfinite((longitude, latitude)).all():
                raise ProjError("its middle is nowhere on the Earth")
        except (CRSError, ProjError) as error:
            raise BadInputError(
                f"The coordinate reference system {self.grid.crs.to_string()[:60]} can't be placed on the Earth: "
                "warp the raster to one that can, such as UTM."
            ) from error
        return f"+proj=laea +lon_0={longitude} +lat_0={latitude} +datum=WGS84 +units=m"

    @cached_property
    def _from_degrees(self) -> Transformation:
        return transformation(LON_LAT, self.crs)

    @cached_property
    def _to_degrees(self) -> Transformation:
        return transformation(self.crs, LON_LAT)

    @cached_property
    def _flat(self) -> Transformation:
        return transformation(self.grid.crs.to_wkt(), self.crs)
