"""The one reader of rasters: bands by name, reflectance, missing data as NaN, and the grid.

Chips, scenes, composites and assets are opened here, so that one set of rules finds their bands and decodes their
numbers:

- *Bands* are found by the file's band descriptions. A file in which no description names a band is taken to be in the
  order of :class:`RasterFormat`, if it has as many bands.
- *Reflectance* is ``number * factor + offset``, with the scale and offset tags of the file if it has any; else with
  those of :class:`RasterFormat`; else integers are divided by 10 000 and floats are reflectance already.
- *Missing data* are the nodata value of :class:`RasterFormat`, else that of the file, else pixels that are zero in
  every band. They decode to NaN.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from pydantic import BaseModel, ConfigDict, Field, field_validator
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.sentinel2.bands import BANDS, COMPETITION_BANDS, canonical_band_name
from mining_the_mines.sentinel2.reflectance import QUANTIFICATION

# A chip without coordinates is welcome (the "Finding Mining Sites" competition has no others). The filter is set once:
# warnings.catch_warnings changes state that all threads share, and chips are read by several.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)


class MissingBandError(BadInputError):
    """A raster lacks a band that is wanted."""


class RasterFormat(BaseModel):
    """Bands to read from a raster, and how to decode its numbers where the file does not say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bands: tuple[str, ...] = Field(COMPETITION_BANDS, min_length=1, description="Bands to read, in this order.")
    nodata: float | None = Field(
        None, description="Value of pixels without data; null for the nodata value of each file."
    )
    scale: float | None = Field(
        None, gt=0, description="Digital numbers per unit of reflectance; null for 10000 (integers) and 1 (floats)."
    )
    offset: float = Field(
        0.0,
        description=(
            "Added to reflectance of files without scale and offset tags; -0.1 removes the 1000 that processing "
            "baseline 04.00 added, if nobody has removed it."
        ),
    )

    @field_validator("bands")
    @classmethod
    def _known_once(cls, bands: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [band for band in bands if band not in BANDS]
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no band of Sentinel-2: they are {', '.join(BANDS)}.")
        if len(set(bands)) < len(bands):
            raise ValueError(f"A band is named twice among {', '.join(bands)}: name each once.")
        return bands


@dataclass(frozen=True, eq=False)
class BandReader:
    """Positions of the wanted bands in a raster, and the decoding of its numbers.

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
        """Read numbers as stored, (bands, height, width), from the whole raster or a window."""
        in_file_order = self.indexes == tuple(range(1, source.count + 1))
        pixels: npt.NDArray[np.generic] = source.read(None if in_file_order else list(self.indexes), window=window)
        return pixels

    def of(self, positions: Sequence[int]) -> "BandReader":
        """Return a reader of some of these bands, by their positions."""
        chosen = list(positions)
        indexes = tuple(self.indexes[position] for position in chosen)
        return BandReader(indexes, self.factors[chosen], self.offsets[chosen], self.nodata)

    def decode(self, pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """Decode numbers (bands, height, width) to reflectance, float32, NaN without data; the input is not changed."""
        missing = _missing(pixels, self.nodata)
        reflectance = np.array(pixels, dtype=np.float32)
        if (self.factors != 1).any():
            reflectance *= self.factors[:, None, None]
        if (self.offsets != 0).any():
            reflectance += self.offsets[:, None, None]
        if missing is not None:
            reflectance[missing] = np.nan
        return reflectance


@dataclass(frozen=True, eq=False)
class Raster:
    """An open raster.

    Attributes:
        source: The open file.
        bands: Positions and decoding of the wanted bands.
        grid: Where its pixels lie; ``None`` for a file without a coordinate reference system or a geotransform.
        dtype: Data type of the stored numbers, such as ``uint16``.
    """

    source: DatasetReader
    bands: BandReader
    grid: ChipGrid | None
    dtype: str

    def reflectance(self, window: Window | None = None) -> npt.NDArray[np.float32]:
        """Read reflectance, float32 (bands, height, width), NaN without data, from the whole raster or a window."""
        return self.bands.decode(self.bands.read(self.source, window))


@contextmanager
def open_raster(path: Path, layout: RasterFormat) -> Iterator[Raster]:
    """Open a raster to read bands by name.

    Args:
        path: A raster that GDAL can read, such as a GeoTIFF, COG, JPEG 2000 or VRT.
        layout: Wanted bands, and decoding where the file does not say.

    Yields:
        The open raster.

    Raises:
        MissingBandError: The raster lacks a band.
        BadInputError: The file is missing or unreadable, also if that shows only while the block reads from it; it
            names a band twice, or holds no reflectance.
    """
    try:
        with rasterio.open(path) as source:
            bands = find_bands(source, layout)
            yield Raster(source, bands, grid_of(source), str(source.dtypes[bands.indexes[0] - 1]))
    except RasterioIOError as error:
        raise BadInputError(unreadable(path, error)) from error


def find_bands(source: DatasetReader, layout: RasterFormat) -> BandReader:
    """Find bands of an open raster by name.

    Args:
        source: The open raster.
        layout: Wanted bands, and decoding where the file does not say.

    Returns:
        Positions and decoding of the bands.

    Raises:
        MissingBandError: The raster lacks a band.
        BadInputError: It names a band twice, or holds no reflectance.
    """
    path = Path(source.name)
    indexes = _indexes(source, layout.bands, path)
    factors, offsets = _scaling(source, indexes, layout, path)
    declared = source.nodatavals[indexes[0] - 1]
    return BandReader(indexes, factors, offsets, declared if layout.nodata is None else layout.nodata)


def grid_of(source: DatasetReader) -> ChipGrid | None:
    """Return the grid of an open raster; ``None`` without a coordinate reference system or a geotransform."""
    if source.crs is None or source.transform.is_identity:
        return None
    return ChipGrid(source.crs, source.transform, source.width, source.height)


def unreadable(path: Path, error: RasterioIOError) -> str:
    """Return the message for a raster that GDAL can't read, with the way out."""
    if not path.exists():
        return f"{path} does not exist: check the path."
    cause = error.__cause__ or error
    return f"{path} can't be read as a raster ({cause}): it is cut off or no GeoTIFF; fetch it again or remove it."


def _indexes(source: DatasetReader, bands: Sequence[str], path: Path) -> tuple[int, ...]:
    names = [canonical_band_name(description) for description in source.descriptions]
    if not any(names):
        if source.count == len(bands):
            return tuple(range(1, source.count + 1))
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
        raise BadInputError(f"{path} names {', '.join(twice)} more than once: correct its band descriptions.")
    return tuple(names.index(band) + 1 for band in bands)


def _scaling(
    source: DatasetReader, indexes: Sequence[int], layout: RasterFormat, path: Path
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Factors and offsets of the bands, float32 (bands,) each."""
    factors = np.array([source.scales[index - 1] for index in indexes])
    offsets = np.array([source.offsets[index - 1] for index in indexes])
    if (factors == 1).all() and (offsets == 0).all():
        kind = np.dtype(source.dtypes[0])
        if kind.kind not in "uif":
            raise BadInputError(
                f"{path} holds {kind} pixels, which are no reflectance: convert it to integers or floats."
            )
        if layout.scale is None and kind.itemsize == 1:
            raise BadInputError(
                f"{path} holds 8-bit pixels, which is a picture rather than reflectance: use the original image, "
                "or give the scale (digital numbers per unit of reflectance)."
            )
        usual = QUANTIFICATION if kind.kind in "ui" else 1
        factors = factors / (usual if layout.scale is None else layout.scale)
        offsets = offsets + layout.offset
    return factors.astype(np.float32), offsets.astype(np.float32)


def _missing(pixels: npt.NDArray[np.generic], nodata: float | None) -> npt.NDArray[np.bool_] | None:
    """Mask of values without data, (bands, height, width) or broadcastable to it; ``None`` if all have data."""
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
