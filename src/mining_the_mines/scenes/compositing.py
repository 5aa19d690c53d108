"""One block of a composite: scenes read, harmonised, masked, fused by day, and reduced over time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import rasterio
from odc.geo.geobox import GeoBox
from rasterio._err import CPLE_BaseError  # GDAL's own errors have no public name in rasterio 1.4
from rasterio.errors import RasterioError

from mining_the_mines.core.redaction import redact
from mining_the_mines.scenes.composite_files import Fault, NoCompositeError
from mining_the_mines.scenes.grids import middle_longitude
from mining_the_mines.scenes.http import UnansweredError, gdal_options
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.reading import SceneStack
from mining_the_mines.scenes.settings import CompositingSettings
from mining_the_mines.sentinel2.compositing import CompositeSettings, composite, to_numbers
from mining_the_mines.sentinel2.masked_median import masked_median
from mining_the_mines.sentinel2.reflectance import NODATA
from mining_the_mines.sentinel2.resampling import RIM, nest
from mining_the_mines.sentinel2.scene_classification import clear_pixels

Numbers = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]

_READING_FAULTS: Final = (RasterioError, CPLE_BaseError, OSError, UnansweredError)


@dataclass(frozen=True)
class Block:
    """One block of a composite.

    Attributes:
        numbers: uint16 (bands, height, width): the composite's digital numbers, 0 without data.
        clear_dates: uint16 (height, width).
        faults: Scenes that could not be read here.
    """

    numbers: Numbers
    clear_dates: Numbers
    faults: tuple[Fault, ...]


def composite_block(scenes: SceneStack, grid: GeoBox, settings: CompositingSettings) -> Block:
    """Make one block of a composite.

    Args:
        scenes: Scenes in order of time.
        grid: Grid of the block.
        settings: Cloud mask and method.

    Returns:
        The block, of all scenes that could be read. It does not depend on the size of blocks, except for scenes that
        are warped, where GDAL's rounding of the last digit does.

    Raises:
        NoCompositeError: No scene can be read.
    """
    try:
        with rasterio.Env(**gdal_options(scenes.access)):
            return _composite(scenes, grid, settings, ())
    except _READING_FAULTS:
        # GDAL would return the part of a broken answer that is in its cache.
        with rasterio.Env(**gdal_options(scenes.access, afresh=True)):
            faults = tuple(_find_faults(scenes, grid, settings))
            if len(faults) == len(scenes.items):
                raise NoCompositeError(
                    f"not one of {len(faults)} scenes can be read, the first for this reason: "
                    f"{faults[0].reason.rstrip('.')}"
                ) from None
            return _composite(scenes.without({fault.item for fault in faults}), grid, settings, faults)


def _find_faults(scenes: SceneStack, grid: GeoBox, settings: CompositingSettings) -> Iterator[Fault]:
    """Read the scenes one by one to find those that fail."""
    for scene in scenes.alone():
        try:
            _composite(scene, grid, settings, ())
        except _READING_FAULTS as error:
            yield Fault(scene.items[0].id, redact(f"{type(error).__name__}: {error.__cause__ or error}"))


def _composite(scenes: SceneStack, grid: GeoBox, settings: CompositingSettings, faults: tuple[Fault, ...]) -> Block:
    shape = (len(scenes.bands), *grid.shape)
    days = solar_days(scenes, grid)
    clear = _clear(scenes, grid, settings)
    bands = ((place, numbers, fuse_days(numbers, clear, days)) for place, numbers in scenes.read_bands(grid))
    reduce = _band_by_band if settings.method == "median" else _all_bands
    reduced, dates = reduce(bands, (len(scenes.items), *shape), settings)
    return Block(reduced, dates, faults)


def _band_by_band(
    bands: Iterator[tuple[int, Numbers, Mask]], shape: tuple[int, ...], settings: CompositeSettings
) -> tuple[Numbers, Numbers]:
    """The median of a band needs no other band, so only one band of all dates is in memory."""
    scenes, count, *size = shape
    reduced = np.empty((count, *size), np.uint16)
    seen = np.ones((scenes, *size), np.bool_)
    for place, numbers, clear in bands:
        reduced[place] = to_numbers(masked_median(numbers[:, None], clear))[0]
        seen &= clear
    dates = seen.sum(axis=0, dtype=np.uint16)
    reduced[:, dates < settings.minimum_clear_dates] = NODATA
    return reduced, dates


def _all_bands(
    bands: Iterator[tuple[int, Numbers, Mask]], shape: tuple[int, ...], settings: CompositeSettings
) -> tuple[Numbers, Numbers]:
    """Geomedian and medoid need all bands of all dates together."""
    scenes, _, *size = shape
    stack = np.empty(shape, np.uint16)
    seen = np.ones((scenes, *size), np.bool_)
    for place, numbers, clear in bands:
        stack[:, place] = numbers
        seen &= clear
    return composite(stack, seen, settings)


def _clear(scenes: SceneStack, grid: GeoBox, settings: CompositingSettings) -> Mask:
    read = scenes.read_mask(grid, settings.clear_sky.dilation_metres)
    if read is None:
        return np.ones((len(scenes.items), *grid.shape), dtype=np.bool_)
    codes, window = read
    if scenes.mask is not None and scenes.mask.classified:
        clear = clear_pixels(codes, settings.clear_sky, window.grid.transform.a)
    else:
        clear = codes == 0
    if window.factor > 1:
        clear = nest(clear[:, RIM:-RIM, RIM:-RIM], window.factor)
    return np.ascontiguousarray(window.cut(clear))


def solar_days(scenes: SceneStack, grid: GeoBox) -> tuple[date, ...]:
    """Date of each scene by local solar time: granules of one pass share it, also near the date line."""
    longitude = middle_longitude(grid)
    return tuple(SceneFacts.of(item.to_dict(include_self_link=False)).day(longitude) for item in scenes.items)


def fuse_days(numbers: Numbers, clear: Mask, days: Sequence[date]) -> Mask:
    """Merge the granules of a day: where they overlap, they show the same moment, which counts once.

    Args:
        numbers: A band, uint16 (scenes, height, width); 0 without data. Where the first granule of a day is not clear
            or has no data, it is given the numbers of another that is clear.
        clear: bool (scenes, height, width).
        days: Of each scene.

    Returns:
        Where each scene is clear and has data, bool (scenes, height, width); true for first granules of a day only.
    """
    usable: Mask = clear & (numbers != NODATA)
    kept: dict[date, int] = {}
    for place, day in enumerate(days):
        first = kept.setdefault(day, place)
        if first != place:
            better = usable[place] & ~usable[first]
            np.copyto(numbers[first], numbers[place], where=better)
            usable[first] |= better
            usable[place] = False
    return usable
