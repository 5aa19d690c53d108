"""Hectares on the ground, whatever coordinates a map has."""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from pyproj.exceptions import CRSError, ProjError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import HECTARE, ChipGrid
from mining_the_mines.geo.mine_polygons import LON_LAT, Geometries, Transformation, place_pixels, transformation

#: Pixels are looked at in so many places along each side of a raster.
_PLACES: Final = 9
#: How far the ground of a pixel may lie beyond those of these places.
_SLACK: Final = 1.1


@dataclass(frozen=True, eq=False)
class Ground:
    """Measures polygons on the ellipsoid, in Lambert's azimuthal equal-area projection about the middle of a raster.

    Right in every CRS, Web Mercator included, and across the antimeridian, where degrees jump. The projection keeps
    areas however far from its centre; what is not exact is that edges are drawn straight between their ends. That
    changes the area of a square of 10 km by 1e-7 of it in a UTM scene of 110 km, and by 6e-7 in a raster of 5 degrees
    at 60 degrees of latitude; a hundredth of that for one of 1 km.

    Attributes:
        grid: Where the raster lies.
    """

    grid: ChipGrid

    def measure(self, geometry: Geometries) -> npt.NDArray[np.float64]:
        """Measure polygons.

        Args:
            geometry: In the grid's CRS.

        Returns:
            Hectares of each on the WGS 84 ellipsoid.

        Raises:
            BadInputError: If the CRS can't be placed on the Earth.
        """
        hectares: npt.NDArray[np.float64] = shapely.area(shapely.transform(geometry, self._flat)) / HECTARE
        return hectares

    @cached_property
    def pixel_range(self) -> tuple[float, float]:
        """Hectares that no pixel falls below, and that none exceeds.

        Raises:
            BadInputError: If the CRS can't be placed on the Earth.
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
