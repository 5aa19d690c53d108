"""Whether the file of an asset is a whole raster of Sentinel-2 pixels; nothing else is opened."""

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zipfile import BadZipFile

import rasterio
from odc.loader import RioDriver, RioReader
from rasterio._err import CPLE_BaseError  # GDAL's own errors have no public name in rasterio 1.4
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.io import DatasetReader

from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.redaction import redact
from mining_the_mines.core.zip_members import open_member, split_address
from mining_the_mines.rasters.jpeg2000 import is_cut_off

#: Formats of Sentinel-2's archives. No others: a virtual raster (VRT) on the web could name files of this machine.
DRIVERS: Final = ("GTiff", "JP2OpenJPEG")
#: Types of pixels that hold digital numbers or classes. Reflectance as fractions would be cut down to 0.
DTYPES: Final = ("uint8", "uint16", "int16")


def check_raster(address: str, size: int | None) -> None:
    """Check by its header that a raster holds one band of digital numbers and is complete.

    Args:
        address: Path, or signed URL; the caller sets GDAL's options for it.
        size: Length of the file in bytes, if known.

    Raises:
        SceneError: The file is no raster, has several bands or another type than Sentinel-2's products, or ends before
            its last block does.
    """
    try:
        with rasterio.open(address) as raster:
            driver, dtypes, end = raster.driver, raster.dtypes, _end_of_last_block(raster)
    except (RasterioError, CPLE_BaseError) as error:
        # The caller names the address; GDAL's message holds it with its signature.
        raise SceneError(f"no GeoTIFF or JPEG 2000 that can be read ({redact(str(error))})") from error
    if driver not in DRIVERS:
        raise SceneError(f"no GeoTIFF or JPEG 2000, but {driver}")
    if len(dtypes) != 1:
        raise SceneError(f"not one band, but {len(dtypes)}: which of them is meant would be a guess")
    if dtypes[0] not in DTYPES:
        raise SceneError(f"its pixels are {dtypes[0]}, and no digital numbers ({', '.join(DTYPES)})")
    if size is not None and end > size:
        raise SceneError(f"cut off: it has {size} bytes where its header speaks of {end}")


def open_image(address: str) -> DatasetReader:
    """Open a file as one of :data:`DRIVERS`, and as nothing else.

    Args:
        address: Path, or signed URL.

    Raises:
        RasterioIOError: The file is none of them.
    """
    first, second = DRIVERS
    try:
        return rasterio.open(address, driver=first, sharing=False)
    except RasterioIOError:
        return rasterio.open(address, driver=second, sharing=False)


def check_local_raster(path: Path) -> None:
    """Check a file on this machine, see :func:`check_raster`.

    Args:
        path: The file, or the address of one in a ZIP (:mod:`mining_the_mines.core.zip_members`).

    Raises:
        SceneError: The file is missing, no raster, or cut off.
    """
    zipped = split_address(str(path))
    try:
        with open_member(*zipped) if zipped else path.open("rb") as stream:
            cut_off = is_cut_off(stream)
            size = stream.seek(0, os.SEEK_END)
    except (FileNotFoundError, IsADirectoryError, KeyError) as error:
        raise SceneError("missing: there is no such file") from error
    except (OSError, BadZipFile, RuntimeError) as error:
        raise SceneError(f"damaged: it can't be read ({error})") from error
    if cut_off:
        raise SceneError(f"cut off: its {size} bytes end before the image does")
    check_raster(str(path), size)


def _end_of_last_block(raster: DatasetReader) -> int:
    """Position in the file where the last block of full resolution ends; 0 where the format does not say.

    In a Cloud-Optimized GeoTIFF this block is the end of the file: header and overviews come first.
    """
    rows, columns = raster.block_shapes[0]
    place = f"{(raster.width - 1) // columns}_{(raster.height - 1) // rows}"
    offset = raster.get_tag_item(f"BLOCK_OFFSET_{place}", "TIFF", bidx=1)
    length = raster.get_tag_item(f"BLOCK_SIZE_{place}", "TIFF", bidx=1)
    return int(offset) + int(length) if offset and length else 0


_WEB: Final = frozenset({"http", "https"})


class ImageReader(RioReader):
    """Read a file of an archive; one on the web only if it is an image.

    A virtual raster (VRT) names other files, and GDAL would open those of this machine: a stranger would choose which
    files are read. A file that was an image when it was checked may be another one later. The beginning of the file
    stays in GDAL's cache, so the second check costs no request.
    """

    def read(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as odc-loader calls it
        """Read a window.

        Raises:
            RasterioIOError: The file on the web is no image.
        """
        if urlsplit(self._src.uri).scheme in _WEB:
            open_image(self._src.uri).close()
        return super().read(*args, **options)


class ImageDriver(RioDriver):
    """Make odc-stac read with :class:`ImageReader`."""

    def open(self, src: Any, ctx: Any) -> ImageReader:  # noqa: ANN401 - odc-loader's own types
        """Return the reader of a file."""
        return ImageReader(src, ctx)
