"""Reading a chip: a small multi-band GeoTIFF whose bands are known by name."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio._err import CPLE_BaseError  # GDAL's own errors have no public name in rasterio 1.4
from rasterio.crs import CRS
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError, RasterioIOError
from rasterio.io import DatasetReader
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.sentinel2.bands import canonical_band_name
from mining_the_mines.sentinel2.reflectance import QUANTIFICATION

WGS84: Final = CRS.from_epsg(4326)

# A chip without coordinates is welcome (the "Finding Mining Sites" competition has no others). The filter is set once:
# warnings.catch_warnings changes state that all threads share, and chips are read by several.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)


class ChipError(BadInputError):
    """A chip, a set of chips or their labels can't be used; the message says which, why, and the way out."""


class MissingBandError(ChipError):
    """A chip lacks a band that is wanted."""


@dataclass(frozen=True)
class Chip:
    """The reflectance of one chip.

    Attributes:
        reflectance: float32 (bands, height, width), 0 to about 1; NaN where there is no data.
        bands: Names of the bands, in the order of the array.
        dtype: Data type of the pixels in the file, such as ``uint16``.
        crs: Coordinate reference system, if the file has one.
        transform: From pixel to map coordinates, if the file has one.
    """

    reflectance: npt.NDArray[np.float32]
    bands: tuple[str, ...]
    dtype: str
    crs: CRS | None = None
    transform: Affine | None = None

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self.reflectance.shape[1])

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.reflectance.shape[2])

    @cached_property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east and north in degrees of WGS 84; ``None`` for a chip without coordinates."""
        if self.crs is None or self.transform is None:
            return None
        left, top = self.transform @ (0, 0)
        right, bottom = self.transform @ (self.width, self.height)
        box = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
        if self.crs == WGS84:
            return box
        try:
            west, south, east, north = transform_bounds(self.crs, WGS84, *box)
        except (CRSError, RasterioError, CPLE_BaseError):
            return None  # a coordinate system of its own, such as an engineering grid
        return (west, south, east, north) if np.isfinite((west, south, east, north)).all() else None


def read_chip(
    path: Path,
    bands: Sequence[str],
    *,
    nodata: float | None = None,
    scale: float | None = None,
    offset: float = 0.0,
) -> Chip:
    """Read a chip's bands by name.

    Args:
        path: A raster that GDAL can read, as a rule a GeoTIFF.
        bands: Sentinel-2 band names; the chip comes in this order, whatever the order in the file. Bands are found by
            their descriptions. A file in which no description names a band is taken to be in the given order, if it has
            as many bands.
        nodata: Value of pixels without data, instead of the one in the file. Where neither is given, a pixel that is
            zero in every band counts as having none.
        scale: Digital numbers per unit of reflectance; by default 10000 for integers and 1 for floats.
        offset: Added to the reflectance. Scale and offset tags in the file win over both.

    Returns:
        The chip.

    Raises:
        ChipError: If the file is missing, is no readable raster, or lacks a band.
    """
    try:
        with rasterio.open(path) as source:
            reader = find_bands(source, bands, nodata=nodata, scale=scale, offset=offset)
            pixels = reader.read(source)
            crs, transform = source.crs, source.transform
    except RasterioIOError as error:
        raise ChipError(unreadable(path, error)) from error
    return Chip(
        reflectance=reader.decode(pixels),
        bands=tuple(bands),
        dtype=str(pixels.dtype),
        crs=crs,
        transform=None if transform.is_identity else transform,
    )


@dataclass(frozen=True, eq=False)
class BandReader:
    """Where a raster holds the bands that are wanted, and how its numbers become reflectance.

    Attributes:
        indexes: Number of each band in the file, from 1.
        factors: Reflectance per digital number, float32 (bands,).
        offsets: Reflectance at 0, float32 (bands,).
        nodata: Number of pixels without data; ``None`` where those are zero in every band.
    """

    indexes: tuple[int, ...]
    factors: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.float32]
    nodata: float | None

    def read(self, source: DatasetReader, window: Window | None = None) -> npt.NDArray[np.generic]:
        """Read numbers as the file holds them, (bands, height, width), of all of it or of a window."""
        in_file_order = self.indexes == tuple(range(1, source.count + 1))
        pixels: npt.NDArray[np.generic] = source.read(None if in_file_order else list(self.indexes), window=window)
        return pixels

    def of(self, positions: Sequence[int]) -> "BandReader":
        """Some of these bands only, by their positions."""
        chosen = list(positions)
        indexes = tuple(self.indexes[position] for position in chosen)
        return BandReader(indexes, self.factors[chosen], self.offsets[chosen], self.nodata)

    def decode(self, pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """Turn numbers (bands, height, width) into reflectance, float32; NaN where there is no data."""
        return _reflectance(pixels, self.factors, self.offsets, _missing(pixels, self.nodata))


def find_bands(
    source: DatasetReader,
    bands: Sequence[str],
    *,
    nodata: float | None = None,
    scale: float | None = None,
    offset: float = 0.0,
) -> BandReader:
    """Find the bands of an open raster by name; see :func:`read_chip`.

    Raises:
        ChipError: If it lacks a band, names one twice, or holds no reflectance.
    """
    path = Path(source.name)
    indexes = _find_bands(source, bands, path)
    factors, offsets = _scaling(source, indexes, (scale, offset), path)
    declared = source.nodatavals[indexes[0] - 1]
    return BandReader(tuple(indexes), factors, offsets, declared if nodata is None else nodata)


def unreadable(path: Path, error: RasterioIOError) -> str:
    """Say why a raster can't be read, and the way out."""
    if not path.exists():
        return f"{path} does not exist: check the path."
    cause = error.__cause__ or error
    return f"{path} can't be read as a raster ({cause}): it is cut off or no GeoTIFF; fetch it again or remove it."


def _find_bands(source: DatasetReader, bands: Sequence[str], path: Path) -> list[int]:
    names = [canonical_band_name(description) for description in source.descriptions]
    if not any(names):
        if source.count == len(bands):
            return list(range(1, source.count + 1))
        raise MissingBandError(
            f"{path} has {source.count} bands without names where {len(bands)} are wanted ({', '.join(bands)}): "
            "name them in the band descriptions, or choose as many bands."
        )
    missing = [band for band in bands if band not in names]
    if missing:
        raise MissingBandError(
            f"{path} lacks {', '.join(missing)}; it has {', '.join(name for name in names if name)}: "
            "choose among these, or leave the chip out."
        )
    twice = [band for band in bands if names.count(band) > 1]
    if twice:
        raise ChipError(f"{path} names {', '.join(twice)} more than once: correct its band descriptions.")
    return [names.index(band) + 1 for band in bands]


def _scaling(
    source: DatasetReader, indexes: list[int], default: tuple[float | None, float], path: Path
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    factors = np.array([source.scales[index - 1] for index in indexes])
    offsets = np.array([source.offsets[index - 1] for index in indexes])
    if (factors == 1).all() and (offsets == 0).all():
        scale, offset = default
        kind = np.dtype(source.dtypes[0])
        if kind.kind not in "uif":
            raise ChipError(f"{path} holds {kind} pixels, which are no reflectance: convert it to integers or floats.")
        if scale is None and kind.itemsize == 1:
            raise ChipError(
                f"{path} holds 8-bit pixels, which is a picture rather than reflectance: use the original image, "
                "or give the scale (digital numbers per unit of reflectance)."
            )
        usual = QUANTIFICATION if kind.kind in "ui" else 1
        factors = factors / (usual if scale is None else scale)
        offsets = offsets + offset
    return factors.astype(np.float32), offsets.astype(np.float32)


def _missing(pixels: npt.NDArray[np.generic], nodata: float | None) -> npt.NDArray[np.bool_] | None:
    """Mask of values without data, (bands, height, width) or one that broadcasts to it; ``None`` if all have data."""
    if nodata is None:
        # Few chips have zeros in their first band: the other bands are looked at only then.
        mask = pixels[0] == 0
        if not mask.any():
            return None
        for band in pixels[1:]:
            mask &= band == 0
        return np.broadcast_to(mask, pixels.shape) if mask.any() else None
    if np.isnan(nodata):
        return None  # NaN already means "no data"
    mask = pixels == np.asarray(nodata).astype(pixels.dtype)
    return mask if mask.any() else None


def _reflectance(
    pixels: npt.NDArray[np.generic],
    factors: npt.NDArray[np.float32],
    offsets: npt.NDArray[np.float32],
    missing: npt.NDArray[np.bool_] | None,
) -> npt.NDArray[np.float32]:
    reflectance = np.array(pixels, dtype=np.float32)  # a copy: numbers of a scene are decoded window by window
    if (factors != 1).any():
        reflectance *= factors[:, None, None]
    if (offsets != 0).any():
        reflectance += offsets[:, None, None]
    if missing is not None:
        reflectance[missing] = np.nan
    return reflectance
