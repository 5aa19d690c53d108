"""Grids of rasters: their place, and the size of their pixels on the ground."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from pyproj import Geod
from rasterio._err import CPLE_BaseError  # GDAL's own errors have no public name in rasterio 1.4
from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError, RasterioIOError
from rasterio.warp import transform as transform_points
from rasterio.warp import transform_bounds

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.degrees import wrap_longitude

Box = tuple[float, float, float, float]
Pixel = TypeVar("Pixel", bound=np.generic)

#: Square metres in a hectare.
HECTARE: Final = 10_000.0
_ELLIPSOID: Final = Geod(ellps="WGS84")


@cache
def wgs84() -> CRS:
    """Return degrees of longitude and latitude; made when asked for, so that the command line can check PROJ before."""
    return CRS.from_epsg(4326)


@dataclass(frozen=True)
class ChipGrid:
    """The grid that a raster's pixels lie on.

    Attributes:
        crs: Coordinate reference system.
        transform: From pixel (column, row) to map coordinates; (0, 0) is the outer corner of the first pixel.
        width: Number of columns.
        height: Number of rows.
    """

    crs: CRS
    transform: Affine
    width: int
    height: int

    @cached_property
    def bounds(self) -> Box:
        """Left, bottom, right and top in the grid's own coordinates."""
        corners = np.array([self.transform @ corner for corner in self._corners])
        left, bottom = corners.min(axis=0)
        right, top = corners.max(axis=0)
        return float(left), float(bottom), float(right), float(top)

    @cached_property
    def wgs84_bounds(self) -> Box:
        """West, south, east and north in degrees of WGS 84; west is greater than east across the antimeridian.

        Raises:
            BadInputError: The coordinate reference system has no relation to WGS 84.
        """
        if self.crs == wgs84():
            west, south, east, north = self.bounds
            return (
                (west, south, east, north)
                if east - west >= 360
                else (wrap_longitude(west), south, wrap_longitude(east), north)
            )
        try:
            west, south, east, north = transform_bounds(self.crs, wgs84(), *self.bounds)
        except (CRSError, RasterioError, CPLE_BaseError) as error:
            raise BadInputError(_unplaceable(self)) from error
        if not np.isfinite((west, south, east, north)).all():
            raise BadInputError(_unplaceable(self))
        return west, south, east, north

    @property
    def north_up(self) -> "ChipGrid":
        """The same pixels from west to east and from north to south; see :func:`flip_north_up`."""
        across, down = (-1 if edge < 0 else 1 for edge in (self.transform.a, -self.transform.e))
        corner = self.transform @ (self.width if across < 0 else 0, self.height if down < 0 else 0)
        size = self.transform.a * across, self.transform.e * down
        return ChipGrid(self.crs, Affine(size[0], 0, corner[0], 0, size[1], corner[1]), self.width, self.height)

    @property
    def _corners(self) -> tuple[tuple[int, int], ...]:
        return (0, 0), (self.width, 0), (self.width, self.height), (0, self.height)


def flip_north_up(pixels: npt.NDArray[Pixel], transform: Affine) -> npt.NDArray[Pixel]:
    """Turn the pixels of a raster from west to east and from north to south.

    Args:
        pixels: (…, height, width).
        transform: Transform of the raster that they are from; neither rotated nor sheared.

    Returns:
        The same pixels in the order of :attr:`ChipGrid.north_up`; a view.
    """
    return pixels[..., :: -1 if transform.e > 0 else 1, :: -1 if transform.a < 0 else 1]


def read_grid(path: Path) -> ChipGrid:
    """Read the grid of a chip from its header; no pixel is read.

    Args:
        path: A raster that GDAL can read, as a rule a GeoTIFF.

    Returns:
        The grid.

    Raises:
        BadInputError: The file can't be read, or has no coordinates.
    """
    try:
        with rasterio.open(path) as source:
            crs, transform, width, height = source.crs, source.transform, source.width, source.height
    except RasterioIOError as error:
        fault = "can't be read as a raster" if path.exists() else "does not exist"
        raise BadInputError(f"{path} {fault}: fetch it again or remove it.") from error
    lacking = [name for name, lacks in (("CRS", crs is None), ("geotransform", transform.is_identity)) if lacks]
    if lacking:
        raise BadInputError(
            f"{path} has no {' and no '.join(lacking)}, so that a polygon can't be laid over it: "
            "use chips with coordinates, or train classification only."
        )
    return ChipGrid(crs, transform, width, height)


def pixel_hectares(grid: ChipGrid) -> float:
    """Measure the area that a pixel covers.

    Args:
        grid: Grid of the chip.

    Returns:
        Hectares: in a projected system |det(transform)| times its unit squared, as the map has it; in degrees the area
        of the chip's middle pixel on the WGS 84 ellipsoid.

    Raises:
        BadInputError: The coordinate reference system is neither projected nor geographic.
    """
    if grid.crs.is_projected:
        metres = float(grid.crs.linear_units_factor[1])
        return abs(grid.transform.determinant) * metres**2 / HECTARE
    if not grid.crs.is_geographic:
        raise BadInputError(_unplaceable(grid))
    return _middle_pixel_area(grid) / HECTARE


def pixel_metres(grid: ChipGrid) -> tuple[float, float]:
    """Measure the edges of the middle pixel on the ground.

    Args:
        grid: Grid of a chip or scene, in any coordinate reference system.

    Returns:
        Its width and height in metres on the WGS 84 ellipsoid, so that 10 m in Web Mercator are 5 m at 60° north, and
        that a pixel in degrees is narrower there than it is high.

    Raises:
        BadInputError: The coordinate reference system has no relation to WGS 84.
    """
    column, row = grid.width / 2, grid.height / 2
    ends = [(column - 0.5, row), (column + 0.5, row), (column, row - 0.5), (column, row + 0.5)]
    try:
        longitudes, latitudes = _in_degrees(grid, ends)
    except (CRSError, RasterioError, CPLE_BaseError) as error:
        raise BadInputError(_unplaceable(grid)) from error
    if not np.isfinite([*longitudes, *latitudes]).all():
        raise BadInputError(_unplaceable(grid))
    _, _, metres = _ELLIPSOID.inv(longitudes[::2], latitudes[::2], longitudes[1::2], latitudes[1::2])
    return float(metres[0]), float(metres[1])


def _in_degrees(grid: ChipGrid, pixels: Sequence[tuple[float, float]]) -> tuple[Sequence[float], Sequence[float]]:
    """Longitudes and latitudes of places in pixels (column, row)."""
    xs, ys = zip(*(grid.transform @ place for place in pixels), strict=True)
    if grid.crs == wgs84():
        return xs, ys
    longitudes, latitudes = transform_points(grid.crs, wgs84(), xs, ys)
    return longitudes, latitudes


def _middle_pixel_area(grid: ChipGrid) -> float:
    """Square metres on the ellipsoid (C. F. F. Karney, 2013, doi 10.1007/s00190-012-0578-z)."""
    column, row = (grid.width - 1) / 2, (grid.height - 1) / 2
    corners = [(column + right, row + down) for right, down in ((0, 0), (1, 0), (1, 1), (0, 1))]
    longitudes, latitudes = _in_degrees(grid, corners)
    return abs(float(_ELLIPSOID.polygon_area_perimeter(longitudes, latitudes)[0]))


def _unplaceable(grid: ChipGrid) -> str:
    return (
        f"The coordinate reference system {grid.crs.to_string()[:60]} can't be placed on the Earth: "
        "warp the chips to one that can, such as UTM."
    )
