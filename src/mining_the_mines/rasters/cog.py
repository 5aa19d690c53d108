"""Cloud-Optimized GeoTIFFs, written block by block."""

import errno
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio._err import CPLE_BaseError  # GDAL's own errors have no public name in rasterio 1.4
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.windows import Window

#: Rows, columns and pixels (bands, rows, columns) of a block of a raster.
Block = tuple[slice, slice, npt.NDArray[np.generic]]

#: Rows and columns of a tile.
_TILE: Final = 256
# Level 1 takes half the time of the usual 6, for files that are a twentieth larger.
_COG: Final = {
    "driver": "COG",
    "level": 1,
    "predictor": "yes",
    "num_threads": "all_cpus",
    "blocksize": _TILE,
}


@dataclass(frozen=True)
class CogLayout:
    """Layout of a raster.

    Attributes:
        crs: Coordinate reference system, as rasterio understands it.
        transform: Transformation from pixel to map coordinates.
        height: Number of rows.
        width: Number of columns.
        bands: Description of each band.
        dtype: Type of the numbers; ``float16`` is written as floats of 16 bits, which GDAL reads as float32.
        nodata: Value of pixels without data, if any.
        scale: Factor of the numbers.
        offset: Added to the scaled numbers.
        overviews: Resampling of overviews.
        compression: ``deflate``, which any software reads; or ``zstd``, which is as small and takes a quarter of the
            time, and needs GDAL 2.3 or later with libzstd, as in QGIS and rasterio.
    """

    crs: CRS | str | None
    transform: Affine
    height: int
    width: int
    bands: tuple[str, ...]
    dtype: str
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    overviews: Literal["average", "nearest"] = "average"
    compression: Literal["deflate", "zstd"] = "deflate"

    @property
    def overview_factors(self) -> list[int]:
        """Factors of the overviews, until one fits a tile."""
        steps = (max(self.height, self.width) // (_TILE + 1)).bit_length()
        return [2**step for step in range(1, steps + 1)]


def write_cog(path: Path, layout: CogLayout, blocks: Iterable[Block], tags: Mapping[str, str]) -> None:
    """Write a raster with one block at a time in memory.

    GDAL's COG driver copies a complete raster, so a plain GeoTIFF is written first, beside the file. Its overviews are
    made there: the driver would compress them, read them again and compress them once more.

    Args:
        path: File to write; the caller makes it appear whole or not at all.
        layout: Layout of the raster.
        blocks: Blocks of pixels, in any order.
        tags: Tags of the file.

    Raises:
        OSError: The file can't be written, as on a full disk.
    """
    plain = path.with_suffix(".plain")
    half = layout.dtype == "float16"
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "dtype": "float32" if half else layout.dtype,
        "count": len(layout.bands),
        "height": layout.height,
        "width": layout.width,
        "crs": layout.crs,
        "transform": layout.transform,
        "tiled": True,
        "blockxsize": _TILE,
        "blockysize": _TILE,
        "interleave": "band",
        "bigtiff": "if_safer",
    }
    if layout.nodata is not None:
        profile["nodata"] = layout.nodata
    bits = {"nbits": 16} if half else {}
    try:
        with rasterio.Env(GDAL_TIFF_OVR_BLOCKSIZE=_TILE), rasterio.open(plain, "w", **profile, **bits) as image:
            image.descriptions = layout.bands
            image.update_tags(**tags)
            if (layout.scale, layout.offset) != (1.0, 0.0):
                image.scales = (layout.scale,) * len(layout.bands)
                image.offsets = (layout.offset,) * len(layout.bands)
            for rows, columns, pixels in blocks:
                image.write(pixels, window=Window.from_slices(rows, columns))
            if layout.overview_factors:
                image.build_overviews(layout.overview_factors, Resampling[layout.overviews])
        _check_size(plain, layout)
        rasterio.shutil.copy(plain, path, **_COG, **bits, compress=layout.compression)
        _check_end(path)
    except (RasterioError, CPLE_BaseError) as error:
        raise OSError(errno.EIO, f"GDAL says: {error}") from error
    except SystemError as error:  # rasterio raises it if GDAL failed without a message
        raise OSError(errno.EIO, "GDAL does not say why") from error
    finally:
        plain.unlink(missing_ok=True)


# On a full disk, GDAL reports no error when it closes a file that it could not write completely.


def _check_size(plain: Path, layout: CogLayout) -> None:
    """Check that all tiles were written; GDAL leaves out those that fail."""
    tiles = len(layout.bands) * sum(
        math.ceil(layout.height / factor / _TILE) * math.ceil(layout.width / factor / _TILE)
        for factor in (1, *layout.overview_factors)
    )
    if plain.stat().st_size < tiles * _TILE**2 * np.dtype(layout.dtype).itemsize:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _check_end(path: Path) -> None:
    """Check that the last row can be read; it lies at the end of the file."""
    with rasterio.open(path) as image:
        image.read(window=Window.from_slices((image.height - 1, image.height), (0, image.width)))
