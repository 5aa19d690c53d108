"""Numbers of a raster → reflectance, with NaN where the file says or its numbers show that there are no data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader
from rasterio.windows import Window

from mining_the_mines.sentinel2.reflectance import QUANTIFICATION

#: Nothing reflects less: -9999, -32768 and the lowest float mark missing data in files that don't say so. Atmospheric
#: correction goes down to -0.1, and an offset that was taken off twice to -0.2.
LOWEST: Final = -0.5
#: No measurement is a larger float: 1e20 and 3.4e38 mark missing data.
_LARGEST_FLOAT: Final = 1e19
#: ESA's number of saturated pixels, and a usual fill value.
_LARGEST_INTEGERS: Final = {"uint16": 65_535, "int16": 32_767}
#: The mask that GDAL keeps in or beside a file, as :attr:`BandReader.mask`; the numbers of bands begin at 1.
GDAL_MASK: Final = 0
#: Descriptions of a band that says where there are data: of gdalwarp and QGIS, and of Sentinel Hub.
_ALPHA_NAMES: Final = frozenset({"alpha", "datamask", "data_mask"})


@dataclass(frozen=True, eq=False)
class BandReader:
    """Positions of the wanted bands in a raster, and the decoding of its numbers.

    Attributes:
        indexes: Number of each band in the file, from 1.
        factors: Reflectance per digital number, float32 (bands,).
        offsets: Reflectance at 0, float32 (bands,).
        nodata: Number of pixels without data in each band; ``None`` for bands that state none.
        mask: Band that is 0 where there are no data, :data:`GDAL_MASK` for the mask in or beside the file, or ``None``.
    """

    indexes: tuple[int, ...]
    factors: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.float32]
    nodata: tuple[float | None, ...]
    mask: int | None = None

    def read(
        self,
        source: DatasetReader,
        window: Window | None = None,
        shape: tuple[int, int] | None = None,
        **options: Any,  # noqa: ANN401 - options of rasterio
    ) -> npt.NDArray[np.generic]:
        """Read numbers as stored from the whole raster or a window.

        Args:
            source: The open raster.
            window: Part of it.
            shape: Rows and columns to resample it to; by default its own.
            options: Resampling, and whether the window may reach over the rim, as rasterio's ``read`` takes them.

        Returns:
            (bands, height, width); where the raster has a mask, it lies behind the bands as one more plane.
        """
        wanted = [*self.indexes, self.mask] if self.mask else list(self.indexes)
        pixels = _read(source, wanted, window, shape, **options)
        if self.mask != GDAL_MASK:
            return pixels
        options.pop("fill_value", None)
        if shape is not None:
            options["out_shape"] = (len(wanted), *shape)
        valid = source.read_masks(wanted, window=window, **options).min(axis=0)
        return np.concatenate([pixels, (valid != 0).astype(pixels.dtype)[None]])

    def of(self, positions: Sequence[int]) -> "BandReader":
        """Return a reader of some of these bands, by their positions."""
        chosen = list(positions)
        indexes = tuple(self.indexes[position] for position in chosen)
        nodata = tuple(self.nodata[position] for position in chosen)
        return BandReader(indexes, self.factors[chosen], self.offsets[chosen], nodata, self.mask)

    def decode(self, pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """Decode numbers as :meth:`read` returns them.

        Args:
            pixels: (bands, height, width), with the mask behind the bands if there is one; not changed.

        Returns:
            Reflectance, float32 (bands, height, width), NaN without data.
        """
        numbers = pixels if self.mask is None else pixels[:-1]
        missing = self._missing(numbers)
        with np.errstate(over="ignore", invalid="ignore"):
            reflectance = np.array(numbers, dtype=np.float32)
            if (self.factors != 1).any():
                reflectance *= self.factors[:, None, None]
            if (self.offsets != 0).any():
                reflectance += self.offsets[:, None, None]
        if missing is not None:
            reflectance[missing] = np.nan
        if self.mask is not None:
            reflectance[:, pixels[-1] == 0] = np.nan
        if numbers.dtype.kind in "if":
            reflectance[reflectance < LOWEST] = np.nan
        return reflectance

    def _missing(self, numbers: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_] | None:
        """Mask of values without data, (bands, height, width) or broadcastable to it; ``None`` if all have data."""
        found = [self._declared(numbers), _all_zero(numbers, self.nodata), _fill_values(numbers)]
        masks = [mask for mask in found if mask is not None and mask.any()]
        if not masks:
            return None
        mask = np.broadcast_to(masks[0], numbers.shape)
        for other in masks[1:]:
            mask = mask | other
        return mask

    def _declared(self, numbers: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_] | None:
        """Mask of the nodata values; NaN means "no data" already."""
        values = [_as_stored(value, numbers.dtype) for value in self.nodata]
        if all(value is None for value in values):
            return None
        if len(set(values)) == 1:
            return np.asarray(numbers == values[0])
        return np.stack(
            [
                np.zeros(band.shape, dtype=bool) if value is None else np.asarray(band == value)
                for band, value in zip(numbers, values, strict=True)
            ]
        )


def find_mask(source: DatasetReader, names: Sequence[str | None], indexes: Sequence[int]) -> int | None:
    """Find the band or mask that says where a raster has data, beside its nodata values.

    Args:
        source: The open raster.
        names: Name of each of its bands; a band with a name is never taken for alpha, whatever its colour. GDAL calls
            the fourth band of many pictures so.
        indexes: Numbers of the wanted bands.

    Returns:
        As :attr:`BandReader.mask`.
    """
    for place in alpha_bands(source, names):
        return place
    known = {MaskFlags.all_valid, MaskFlags.nodata, MaskFlags.alpha}
    masked = any(not known & set(source.mask_flag_enums[index - 1]) for index in indexes)
    return GDAL_MASK if masked else None


def alpha_bands(source: DatasetReader, names: Sequence[str | None]) -> list[int]:
    """List the bands that say where there are data, by their numbers."""
    called_so = [(text or "").strip().lower() in _ALPHA_NAMES for text in source.descriptions]
    return [
        place
        for place, (name, colour, called) in enumerate(zip(names, source.colorinterp, called_so, strict=True), start=1)
        if name is None and (called or colour == ColorInterp.alpha)
    ]


def usual_factor(dtype: str, scale: float | None) -> float:
    """Return the reflectance per number of bands that state none."""
    return 1 / (scale or (QUANTIFICATION if np.dtype(dtype).kind in "ui" else 1))


def _read(
    source: DatasetReader,
    indexes: Sequence[int],
    window: Window | None,
    shape: tuple[int, int] | None,
    **options: Any,  # noqa: ANN401 - options of rasterio
) -> npt.NDArray[np.generic]:
    """Read bands as they are stored; those of several types become one that holds them all."""
    kinds = {source.dtypes[index - 1] for index in indexes}
    if len(kinds) > 1:  # rasterio reads one type at a time
        planes = [_read(source, [index], window, shape, **options) for index in indexes]
        return np.concatenate(planes).astype(np.result_type(*kinds), copy=False)
    if shape is not None:
        options["out_shape"] = (len(indexes), *shape)
    in_file_order = list(indexes) == list(range(1, source.count + 1))
    pixels: npt.NDArray[np.generic] = source.read(None if in_file_order else indexes, window=window, **options)
    return pixels


def _as_stored(nodata: float | None, dtype: np.dtype[Any]) -> Any:  # noqa: ANN401 - a number of any type
    """Return a nodata value as the pixels hold it; ``None`` if there is none, or no pixel can hold it."""
    if nodata is None or np.isnan(nodata):
        return None
    if dtype.kind in "ui":
        limits = np.iinfo(dtype)
        return dtype.type(nodata) if float(nodata).is_integer() and limits.min <= nodata <= limits.max else None
    with np.errstate(over="ignore"):
        return np.asarray(nodata).astype(dtype)[()]


def _all_zero(numbers: npt.NDArray[np.generic], nodata: Sequence[float | None]) -> npt.NDArray[np.bool_] | None:
    """Mask (height, width) of pixels that are zero in every band, which no ground is.

    One or two bands of a raster that states another value may be zero by themselves.
    """
    if any(value is not None for value in nodata) and len(numbers) < 3:
        return None
    # Few rasters have zeros in their first band: the other bands are looked at only then.
    mask = np.asarray(numbers[0] == 0)
    if not mask.any():
        return None
    for band in numbers[1:]:
        mask &= band == 0
    return mask


def _fill_values(numbers: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_] | None:
    """Mask of values that no sensor measures: infinite and huge floats, and the largest 16-bit integers."""
    if numbers.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            return np.asarray(np.abs(numbers) >= _LARGEST_FLOAT)
    largest = _LARGEST_INTEGERS.get(numbers.dtype.name)
    return None if largest is None else np.asarray(numbers == largest)
