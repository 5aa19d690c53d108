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
        hectares: npt.NDArray[np.float64] = shapely.area(shapely.transform(geometry, self._flat)) / HECTARE
        return hectares

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
    def _flat(self) -> Transformation:
        crs = self.grid.crs.to_wkt()
        try:
            middle = np.array([self.grid.transform @ (self.grid.width / 2, self.grid.height / 2)])
            ((longitude, latitude),) = transformation(crs, LON_LAT)(middle)
            if not np.isfinite((longitude, latitude)).all():
                raise ProjError("its middle is nowhere on the Earth")
            return transformation(crs, f"+proj=laea +lon_0={longitude} +lat_0={latitude} +datum=WGS84 +units=m")
        except (CRSError, ProjError) as error:
            raise BadInputError(
                f"The coordinate reference system {self.grid.crs.to_string()[:60]} can't be placed on the Earth: "
                "warp the raster to one that can, such as UTM."
            ) from error
