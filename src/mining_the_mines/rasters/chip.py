"""Reading a chip: a small raster that is held in memory as a whole."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import Box, ChipGrid
from mining_the_mines.rasters.reader import RasterFormat, open_raster


@dataclass(frozen=True)
class Chip:
    """The reflectance of one chip.

    Attributes:
        reflectance: float32 (bands, height, width), 0 to about 1; NaN where there is no data.
        bands: Names of the bands, in the order of the array.
        dtype: Data type of the pixels in the file, such as ``uint16``.
        grid: Where the pixels lie; ``None`` for a file without coordinates.
        doubts: Doubts about bands and numbers; see :mod:`mining_the_mines.rasters.reader`.
    """

    reflectance: npt.NDArray[np.float32]
    bands: tuple[str, ...]
    dtype: str
    grid: ChipGrid | None = None
    doubts: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self.reflectance.shape[1])

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.reflectance.shape[2])

    @property
    def wgs84_bounds(self) -> Box | None:
        """West, south, east and north in degrees; ``None`` without coordinates or a relation of their CRS to WGS 84."""
        try:
            return None if self.grid is None else self.grid.wgs84_bounds
        except BadInputError:
            return None  # a coordinate system of its own, such as an engineering grid


def read_chip(path: Path, layout: RasterFormat) -> Chip:
    """Read a chip's bands by name; see :mod:`mining_the_mines.rasters.reader` for the rules.

    Args:
        path: A raster that GDAL can read, as a rule a GeoTIFF.
        layout: Wanted bands in the wanted order, and decoding where the file does not say.

    Returns:
        The chip.

    Raises:
        MissingBandError: The file lacks a band.
        BadInputError: The file is missing, is no readable raster, or holds no reflectance.
    """
    with open_raster(path, layout) as raster:
        reflectance = raster.reflectance()
    return Chip(reflectance, layout.bands, raster.dtype, raster.grid, raster.doubts)
