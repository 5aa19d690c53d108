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
from rasterio.errors import RasterioError
from rasterio.windows import Window

#: Rows, columns and pixels (bands, rows, columns) of a part of a raster.
Block = tuple[slice, slice, npt.NDArray[np.generic]]

#: Rows and columns of a tile.
_TILE: Final = 256
# Level 1 takes half the time of the usual 6, for files that are a twentieth larger.
_COG: Final = {
    "driver": "COG",
    "compress": "deflate",
    "level": 1,
    "predictor": "yes",
    "num_threads": "all_cpus",
    "blocksize": _TILE,
}


@dataclass(frozen=True)
class CogLayout:
    """What a raster is, beside its pixels.

    Attributes:
        crs: Coordinate reference system, as rasterio understands it.
        transform: From pixel to map coordinates.
        height: Number of rows.
        width: Number of columns.
        bands: Description of each band.
        dtype: Type of the numbers; ``float16`` is written as floats of 16 bits, which GDAL gives back as float32.
        nodata: Number of pixels without data, if there are any.
        scale: Of a number, to what it means.
        offset: Added to that.
        overviews: How pixels of smaller versions are made.
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


def write_cog(path: Path, layout: CogLayout, blocks: Iterable[Block], tags: Mapping[str, str]) -> None:
    """Write a raster of which only a block at a time is in memory.

    GDAL's driver starts from a raster that is whole, so a plain GeoTIFF is written first, beside the place.

    Args:
        path: Where to; the caller sees to it that it appears whole or not at all.
        layout: What the raster is.
        blocks: Its pixels, in any order.
        tags: Of the file.

    Raises:
        OSError: If it can't be written, as on a full disk.
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
        "bigtiff": "if_safer",
    }
    if layout.nodata is not None:
        profile["nodata"] = layout.nodata
    bits = {"nbits": 16} if half else {}
    try:
        with rasterio.open(plain, "w", **profile, **bits) as image:
            image.descriptions = layout.bands
            image.update_tags(**tags)
            if (layout.scale, layout.offset) != (1.0, 0.0):
                image.scales = (layout.scale,) * len(layout.bands)
                image.offsets = (layout.offset,) * len(layout.bands)
            for rows, columns, pixels in blocks:
                image.write(pixels, window=Window.from_slices(rows, columns))
        _check_size(plain, layout)
        rasterio.shutil.copy(plain, path, **_COG, **bits, overview_resampling=layout.overviews)
        _check_end(path)
    except (RasterioError, CPLE_BaseError) as error:
        raise OSError(errno.EIO, f"GDAL says: {error}") from error
    except SystemError as error:  # so rasterio tells that GDAL failed without a word
        raise OSError(errno.EIO, "GDAL does not say why") from error
    finally:
        plain.unlink(missing_ok=True)


# On a full disk, GDAL says nothing of what it can't write when a file is closed.


def _check_size(plain: Path, layout: CogLayout) -> None:
    """Make sure that all tiles were written; those that fail are left out."""
    tiles = math.ceil(layout.height / _TILE) * math.ceil(layout.width / _TILE) * len(layout.bands)
    if plain.stat().st_size < tiles * _TILE**2 * np.dtype(layout.dtype).itemsize:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _check_end(path: Path) -> None:
    """Make sure that the last row can be read, which lies at the file's end."""
    with rasterio.open(path) as image:
        image.read(window=Window.from_slices((image.height - 1, image.height), (0, image.width)))
