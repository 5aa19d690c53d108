"""Rasters as people see them: red, green and blue or other bands, no larger than they will be shown."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from affine import Affine
from rasterio.enums import Resampling
from rasterio.windows import Window
from rasterio.windows import transform as transform_of_window

from mining_the_mines.geo.grid import Box, ChipGrid, flip_north_up
from mining_the_mines.rasters.chip import read_chip
from mining_the_mines.rasters.reader import MissingBandError, RasterFormat, open_raster
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS, TRUE_COLOUR


def read_true_colour(path: Path, bands: Sequence[str] = COMPETITION_BANDS) -> npt.NDArray[np.float32]:
    """Read red, green and blue of a chip.

    Args:
        path: A raster that GDAL can read.
        bands: Its bands in the order of the file, for files whose band descriptions don't name them.

    Returns:
        Reflectance, float32 (3, height, width), NaN where there is no data; the first band three times over where one
        of them is lacking.

    Raises:
        BadInputError: The file can't be read, or has other bands.
    """
    try:
        return read_chip(path, RasterFormat(bands=TRUE_COLOUR)).reflectance
    except MissingBandError:
        return visible_bands(read_chip(path, RasterFormat(bands=tuple(bands))).reflectance, bands)


def read_overview(
    path: Path,
    layout: RasterFormat,
    longest_side: int,
    bounds: Box | None = None,
    colours: Sequence[str] = TRUE_COLOUR,
) -> tuple[npt.NDArray[np.float32], Affine]:
    """Read three bands of a raster or of a part of it, no larger than it will be shown.

    Args:
        path: A raster that GDAL can read; its overviews are used where it has some.
        layout: Its bands, and decoding where the file does not say.
        longest_side: In pixels; a smaller raster is read as it is.
        bounds: Left, bottom, right and top in the raster's own coordinates, which may reach over its rim; all of it by
            default.
        colours: Bands that are shown as red, green and blue.

    Returns:
        Reflectance, float32 (3, height, width), NaN where there is no data, or the first band three times over where
        one of the three is not among the bands of ``layout``; and the transform from these pixels to map coordinates.

    Raises:
        BadInputError: The raster can't be read.
    """
    names = tuple(colours) if set(colours) <= set(layout.bands) else (layout.bands[0],)
    visible, placed = read_part(path, layout, names, longest_side, bounds)
    return np.broadcast_to(visible, (3, *visible.shape[1:])) if len(names) == 1 else visible, placed


def read_part(
    path: Path, layout: RasterFormat, names: Sequence[str], longest_side: int, bounds: Box | None = None
) -> tuple[npt.NDArray[np.float32], Affine]:
    """Read some bands of a raster or of a part of it, no larger than they will be shown.

    Args:
        path: A raster that GDAL can read; its overviews are used where it has some.
        layout: Its bands, and decoding where the file does not say.
        names: Bands to read, among those of ``layout``.
        longest_side: In pixels; a smaller raster is read as it is.
        bounds: Left, bottom, right and top in the raster's own coordinates, which may reach over its rim; all of it by
            default.

    Returns:
        Reflectance, float32 (bands, height, width), NaN where there is no data, and the transform from these pixels to
        map coordinates.

    Raises:
        BadInputError: The raster can't be read, or lacks a band.
    """
    with open_raster(path, layout) as raster:
        source = raster.source
        bands = raster.bands.of([layout.bands.index(name) for name in names])
        window = Window(0, 0, source.width, source.height) if bounds is None else _window_of(bounds, source.transform)
        scale = min(1.0, longest_side / max(window.height, window.width))
        shape = (max(1, math.ceil(window.height * scale)), max(1, math.ceil(window.width * scale)))
        numbers = bands.read(
            source,
            window,
            shape,
            resampling=Resampling.average,
            boundless=bounds is not None,
            fill_value=bands.nodata[0] or 0,
        )
        placed = transform_of_window(window, source.transform)
    placed = placed @ Affine.scale(window.width / shape[1], window.height / shape[0])
    reflectance = flip_north_up(bands.decode(numbers), placed)
    return reflectance, ChipGrid(source.crs, placed, shape[1], shape[0]).north_up.transform


def _window_of(bounds: Box, transform: Affine) -> Window:
    """The pixels within left, bottom, right and top."""
    left, bottom, right, top = bounds
    columns, rows = zip(*(~transform @ corner for corner in ((left, bottom), (right, top))), strict=True)
    return Window(min(columns), min(rows), abs(columns[1] - columns[0]), abs(rows[1] - rows[0]))


def visible_bands(reflectance: npt.NDArray[np.float32], bands: Sequence[str]) -> npt.NDArray[np.float32]:
    """Take red, green and blue.

    Args:
        reflectance: float32 (bands, height, width).
        bands: Their names.

    Returns:
        float32 (3, height, width); the first band three times over where one of them is lacking.
    """
    positions = [bands.index(name) for name in TRUE_COLOUR] if set(TRUE_COLOUR) <= set(bands) else [0, 0, 0]
    return reflectance[positions]
