"""Files of assets: what their headers say, and windows of them as harmonised numbers.

The file is believed over its catalog. Where its pixels lie, of which type they are and what has no data is read from
its header; the projection fields of the item are only compared with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import rasterio
from odc.geo.geobox import GeoBox
from odc.geo.overlap import compute_reproject_roi
from odc.geo.roi import roi_is_empty
from rasterio._err import CPLE_BaseError  # GDAL's own errors have no public name in rasterio 1.4
from rasterio.enums import MaskFlags, Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.warp import reproject
from rasterio.windows import Window

from mining_the_mines.core.errors import SceneError
from mining_the_mines.rasters.integrity import check_image, open_image
from mining_the_mines.scenes.http import UnansweredError, gdal_options, signing
from mining_the_mines.scenes.items import stated_epsg
from mining_the_mines.scenes.settings import AccessSettings
from mining_the_mines.sentinel2.baseline import Scaling, harmonise, read_scaling
from mining_the_mines.sentinel2.reflectance import NODATA, QUANTIFICATION

Pixels = npt.NDArray[Any]
Numbers = npt.NDArray[np.uint16]
#: Rows and columns of a window.
Roi = tuple[slice, slice]
Answer = TypeVar("Answer")

#: Rows that are harmonised at once, so that they stay in a core's cache.
_ROWS: Final = 64
#: Errors of a file that can't be read.
READING_FAULTS: Final = (RasterioError, CPLE_BaseError, OSError, UnansweredError)
#: Types of pixels that may hold reflectance; masks have 8 bits, too.
_NUMBERS: Final = ("uint16", "int16", "uint32", "int32", "float32", "float64")
#: Deviation in pixels up to which grids count as equal; some catalogs round the coordinates of corners.
_TOLERANCE: Final = 1e-3
#: Deviation in pixels up to which a file is copied and not resampled, as odc-stac has it.
_SHIFT: Final = 0.05
_NEAREST_SHIFT: Final = 0.9


@dataclass(frozen=True)
class Image:
    """A file of one band, by its header.

    Attributes:
        href: Path or address, without signature.
        grid: Where its pixels lie.
        dtype: Type of its numbers.
        nodata: Number of pixels without data; ``None`` if neither file nor catalog says.
        masked: Whether the file holds a mask of its own.
        scaling: Scale and offset of its numbers; ``None`` for the codes of a mask.
    """

    href: str
    grid: GeoBox
    dtype: str
    nodata: float | None = None
    masked: bool = False
    scaling: Scaling | None = None

    def numbers(self, window: GeoBox, access: AccessSettings) -> Numbers:
        """Read a window as harmonised numbers.

        Args:
            window: Grid to read in; other pixels than the file's are interpolated bilinearly by GDAL.
            access: Time limits, retries and signing.

        Returns:
            uint16 as in :mod:`mining_the_mines.sentinel2.reflectance`, 0 without data and beyond the file.
        """
        found = np.full(window.shape, NODATA, np.uint16)
        scaling = self.scaling or Scaling(1 / QUANTIFICATION, 0.0, "")

        def paste(place: Roi, pixels: Pixels, missing: npt.NDArray[np.bool_] | None) -> None:
            pasted = found[place]
            for top in range(0, len(pixels), _ROWS):
                rows = slice(top, top + _ROWS)
                pasted[rows] = harmonise(pixels[rows], scaling, self.nodata)
            if missing is not None:
                pasted[missing] = NODATA

        self._read(window, access, paste, nearest=False)
        return found

    def codes(self, window: GeoBox, unknown: int, access: AccessSettings) -> npt.NDArray[np.uint8]:
        """Read a window of a mask by nearest neighbour.

        Args:
            window: Grid to read in.
            unknown: Code beyond the file, and where it has no data.
            access: Time limits, retries and signing.

        Returns:
            uint8; codes that are none are unknown.
        """
        found = np.full(window.shape, unknown, np.uint8)

        def paste(place: Roi, pixels: Pixels, missing: npt.NDArray[np.bool_] | None) -> None:
            codes = pixels.clip(0, 255).astype(np.uint8)
            if self.nodata is not None:
                codes[pixels == self.nodata] = unknown
            if missing is not None:
                codes[missing] = unknown
            found[place] = codes

        self._read(window, access, paste, nearest=True)
        return found

    def _read(
        self,
        window: GeoBox,
        access: AccessSettings,
        paste: Callable[[Roi, Pixels, npt.NDArray[np.bool_] | None], None],
        *,
        nearest: bool,
    ) -> None:
        """Copy the part of a window that the file covers, or have it warped."""
        overlap = compute_reproject_roi(self.grid, window, ttol=_NEAREST_SHIFT if nearest else _SHIFT)
        if roi_is_empty(overlap.roi_dst) or roi_is_empty(overlap.roi_src):
            return
        rows, columns = overlap.roi_dst
        place = slice(rows.start, rows.stop), slice(columns.start, columns.stop)
        with _opened(self.href, access) as source:
            if overlap.paste_ok and overlap.read_shrink == 1:
                part = Window.from_slices(*overlap.roi_src)
                missing = source.read_masks(1, window=part) == 0 if self.masked else None
                paste(place, source.read(1, window=part), missing)
                return
            pixels = np.empty(window[place].shape, self.dtype)
            fill = self.nodata if self.nodata is not None else NODATA
            reproject(
                rasterio.band(source, 1),
                pixels,
                src_nodata=fill,
                dst_crs=str(window.crs),
                dst_transform=window[place].transform,
                dst_nodata=fill,
                resampling=Resampling.nearest if nearest else Resampling.bilinear,
            )
            paste(place, pixels, None)


def read_image(asset: Mapping[str, Any], item: Mapping[str, Any], access: AccessSettings, *, band: bool) -> Image:
    """Read the header of an asset's file.

    Args:
        asset: The asset as in its item. What has no data counts if the file does not say.
        item: Properties of the item.
        access: Time limits, retries, signing, and the offset of numbers that do not state it.
        band: Whether it holds reflectance, and not the codes of a mask.

    Returns:
        The file.

    Raises:
        BadInputError: It holds several bands, or pixels that are no digital numbers, or says neither where they lie nor
            what they mean.
    """
    href = str(asset["href"])
    allowed = _NUMBERS if band else (*_NUMBERS, "uint8")
    with _opened(href, access) as source:
        check_image(source, Path(href).stat().st_size if Path(href).is_file() else None)
        dtype, tags = str(source.dtypes[0]), (float(source.scales[0]), float(source.offsets[0]))
        if dtype not in allowed:
            raise SceneError(f"its pixels are {dtype}, and no digital numbers ({', '.join(allowed)})")
        if source.crs is None or source.transform.is_identity:
            raise SceneError("it does not say where its pixels lie, since it has no CRS or no geotransform")
        return Image(
            href,
            GeoBox((source.height, source.width), source.transform, source.crs.to_wkt()),
            dtype,
            source.nodata if source.nodata is not None else _stated_nodata(asset),
            MaskFlags.per_dataset in source.mask_flag_enums[0],
            read_scaling(item, asset, tags, access.offset, floats=dtype.startswith("float")) if band else None,
        )


def patiently(work: Callable[[], Answer], access: AccessSettings) -> Answer:
    """Read with GDAL's options set, and once more past its cache: GDAL keeps the part of a broken answer that came.

    Raises:
        The error of the second attempt.
    """
    try:
        with rasterio.Env(**gdal_options(access)):
            return work()
    except READING_FAULTS:
        with rasterio.Env(**gdal_options(access, afresh=True)):
            return work()


def contradiction(image: Image, asset: Mapping[str, Any], properties: Mapping[str, Any]) -> str | None:
    """Compare what a catalog says about the place of pixels with the file.

    Args:
        image: The file.
        asset: Fields of its asset.
        properties: Properties of its item, which hold for all assets.

    Returns:
        The fields that contradict the file, with both values; ``None`` if there are none.
    """
    stated = {key: asset.get(key) or properties.get(key) for key in ("proj:transform", "proj:shape")}
    epsg, own = stated_epsg(asset) or stated_epsg(properties), image.grid.crs.to_epsg() if image.grid.crs else None
    if epsg and own and epsg != own:
        return f"proj:code says EPSG:{epsg}, and the file EPSG:{own}"
    numbers = stated["proj:transform"]
    if isinstance(numbers, list) and len(numbers) >= 6 and not _same_transform(image.grid, numbers):
        return f"proj:transform has pixels of {_edge(numbers):g}, and the file {_edge(image.grid.transform):g}"
    shape = stated["proj:shape"]
    if isinstance(shape, list) and [*image.grid.shape] != shape:
        return f"proj:shape is {shape}, and the file's {[*image.grid.shape]}"
    return None


def _opened(href: str, access: AccessSettings) -> DatasetReader:
    sign = signing(access) or str
    return open_image(sign(href))


def _stated_nodata(asset: Mapping[str, Any]) -> float | None:
    for fields in ((asset.get("raster:bands") or [{}])[0], (asset.get("bands") or [{}])[0], asset):
        value = fields.get("nodata", fields.get("raster:nodata")) if isinstance(fields, Mapping) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if value == "nan":
            return float("nan")
    return None


def _same_transform(grid: GeoBox, stated: list[Any]) -> bool:
    """Whether six numbers are the file's transform, in the order of STAC or in GDAL's."""
    own = grid.transform
    orders = (own[:6], (own.c, own.a, own.b, own.f, own.d, own.e))
    return any(_close(order, stated[:6], abs(own.a)) for order in orders)


def _close(first: Any, second: Any, pixel: float) -> bool:  # noqa: ANN401 - any JSON
    try:
        return bool(np.allclose(np.asarray(first, float), np.asarray(second, float), rtol=0, atol=_TOLERANCE * pixel))
    except (TypeError, ValueError):
        return False


def _edge(numbers: Any) -> float:  # noqa: ANN401 - any JSON
    return abs(float(numbers[0] if abs(float(numbers[0])) < 1e4 else numbers[1]))
