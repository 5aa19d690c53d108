"""Whether the file of an asset is a whole raster of Sentinel-2 pixels; nothing else is opened."""

import os
from pathlib import Path
from typing import BinaryIO, Final
from zipfile import BadZipFile

import rasterio
from rasterio._err import CPLE_BaseError  # GDAL's own errors have no public name in rasterio 1.4
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.io import DatasetReader

from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.redaction import redact
from mining_the_mines.core.zip_members import open_member, split_address

#: Formats of Sentinel-2's archives. No others: a virtual raster (VRT) on the web could name files of this machine.
DRIVERS: Final = ("GTiff", "JP2OpenJPEG")
#: First box of a JP2 file (JPEG 2000), and the marker that a bare codestream starts with.
_SIGNATURE: Final = b"\x00\x00\x00\x0cjP  "
_START: Final = b"\xff\x4f\xff\x51"
#: Marker at the end of a codestream (EOC).
_END: Final = b"\xff\xd9"
_CODESTREAM: Final = b"jp2c"


def check_raster(address: str, size: int | None) -> None:
    """Check by its header that a file is a complete image, see :func:`check_image`.

    Args:
        address: Path, or signed URL; the caller sets GDAL's options for it.
        size: Length of the file in bytes, if known.

    Raises:
        SceneError: The file is no raster, has several bands, or ends before its last block does.
    """
    try:
        with rasterio.open(address) as raster:
            check_image(raster, size)
    except (RasterioError, CPLE_BaseError) as error:
        # The caller names the address; GDAL's message holds it with its signature.
        raise SceneError(f"no GeoTIFF or JPEG 2000 that can be read ({redact(str(error))})") from error


def check_image(raster: DatasetReader, size: int | None) -> None:
    """Check that an open raster holds one band and is complete.

    Args:
        raster: The raster.
        size: Length of its file in bytes, if known.

    Raises:
        SceneError: It is of another format than Sentinel-2's products, has several bands, or ends before its last
            block does.
    """
    if raster.count != 1:
        raise SceneError(f"not one band, but {raster.count}: which of them is meant would be a guess")
    check_whole(raster, size)


def check_whole(raster: DatasetReader, size: int | None) -> None:
    """Check that an open raster of any number of bands is complete; see :func:`check_image`."""
    if raster.driver not in DRIVERS:
        raise SceneError(f"no GeoTIFF or JPEG 2000, but {raster.driver}")
    end = _end_of_last_block(raster)
    if size is not None and end > size:
        raise SceneError(f"cut off: it has {size} bytes where its header speaks of {end}")


def open_image(address: str) -> DatasetReader:
    """Open a file as one of :data:`DRIVERS`, and as nothing else.

    Args:
        address: Path, or signed URL.

    Raises:
        RasterioIOError: The file is none of them.
    """
    # A driver that is tried in vain leaves a line in the log for every file.
    jpeg2000 = address.partition("?")[0].lower().endswith(".jp2")
    first, second = reversed(DRIVERS) if jpeg2000 else DRIVERS
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
            cut_off = _is_cut_off(stream)
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


def _is_cut_off(stream: BinaryIO) -> bool:
    """Whether a JPEG 2000 file ends before its codestream does; GDAL decodes what is missing as black.

    Boxes of a JP2 file and markers of its codestream: ISO/IEC 15444-1, annexes I and A.

    Args:
        stream: The file; it can seek.

    Returns:
        Whether it is cut off; ``False`` for a file of another format.
    """
    head = stream.read(12)
    size = stream.seek(0, 2)
    if head.startswith(_START):
        return _end_marker(stream, size) != _END
    if not head.startswith(_SIGNATURE):
        return False
    place = 0
    while place + 8 <= size:
        stream.seek(place)
        header = stream.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        end = size if length == 0 else place + length
        if end > size or end < place + 8:
            return True
        if kind == _CODESTREAM:
            return _end_marker(stream, end) != _END
        place = end
    return True  # no codestream


def _end_marker(stream: BinaryIO, end: int) -> bytes:
    stream.seek(end - len(_END))
    return stream.read(len(_END))
