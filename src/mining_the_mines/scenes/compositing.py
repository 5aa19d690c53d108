"""One block of a composite: scenes read, harmonised, masked, fused by day, and reduced over time."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from mining_the_mines.scenes.composite_files import Fault, NoCompositeError
from mining_the_mines.scenes.grids import COARSEST_PIXEL, PIXEL, NativeWindow, middle_longitude
from mining_the_mines.scenes.reading import MASK, OpenedScene, SceneStack
from mining_the_mines.scenes.settings import CompositingSettings
from mining_the_mines.sentinel2.compositing import composite, to_numbers
from mining_the_mines.sentinel2.masked_median import masked_median
from mining_the_mines.sentinel2.reflectance import NODATA
from mining_the_mines.sentinel2.resampling import RIM, nest
from mining_the_mines.sentinel2.scene_classification import clear_pixels

Pixels = npt.NDArray[Any]
Numbers = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]
#: Rows and columns of a piece of a block.
Piece = tuple[slice, slice]

#: Most rows and columns that are in work together, in pixels of 10 m: few enough that those of all dates stay in a
#: core's cache.
_PIECE: Final = (126, 516)
#: Pieces are multiples of this, so that they hold whole pixels of coarse bands.
_NESTED: Final = COARSEST_PIXEL // PIXEL


@dataclass(frozen=True)
class Block:
    """One block of a composite.

    Attributes:
        planes: uint16 (bands + 1, height, width): numbers, and clear dates last.
        faults: Scenes that could not be read here.
    """

    planes: Numbers
    faults: tuple[Fault, ...]

    @property
    def numbers(self) -> Numbers:
        """uint16 (bands, height, width): the composite's digital numbers, 0 without data."""
        return self.planes[:-1]

    @property
    def clear_dates(self) -> Numbers:
        """uint16 (height, width)."""
        dates: Numbers = self.planes[-1]
        return dates


def composite_block(stack: SceneStack, grid: GeoBox, settings: CompositingSettings) -> Block:
    """Make one block of a composite.

    Args:
        stack: Scenes in order of time.
        grid: Grid of the block.
        settings: Cloud mask and method.

    Returns:
        The block, of all scenes that could be read. It does not depend on the size of blocks, except for scenes that
        are warped, where GDAL's rounding of the last digit does.

    Raises:
        NoCompositeError: No scene can be read.
    """
    faults = {fault.item: fault for fault in stack.faults}
    while True:
        made = _composite(stack.without(set(faults)), grid, settings)
        if not isinstance(made, list):
            return Block(made, tuple(faults[name] for name in sorted(faults)))
        faults |= {fault.item: fault for fault in reversed(made)}
        if faults.keys() >= {scene.facts.item for scene in stack.scenes}:
            raise NoCompositeError(
                f"not one of {len(faults)} scenes can be read, the first for this reason: {made[0].reason.rstrip('.')}"
            )


def _composite(stack: SceneStack, grid: GeoBox, settings: CompositingSettings) -> Numbers | list[Fault]:
    """Planes of a block, or the scenes that can't be read; of wholly clouded scenes no band is read."""
    clear = np.ones((len(stack.scenes), *grid.shape), np.bool_)
    if stack.classified is not None:
        masks, faults = _sorted_out(stack.read_masks(grid, settings.clear_sky.dilation_metres))
        if faults:
            return faults
        for scene, codes, sky in zip(stack.scenes, masks, clear, strict=True):
            sky[:] = _clear(scene, codes, grid, settings, classified=stack.classified)
    places = [place for place, sky in enumerate(clear) if sky.any()]
    reduction = _Reduction(stack, grid, settings, clear)
    answers = stack.read_bands(grid, places) if places else iter(())
    faults = []
    for place, band in enumerate(stack.bands):
        found, failed = _sorted_out(islice(answers, len(places)))
        faults += failed
        if not faults:  # else the other files are only tried
            reduction.add(place, band, dict(zip(places, found, strict=True)))
    return faults or reduction.result()


def _sorted_out(answers: Iterable[Pixels | Fault]) -> tuple[list[Pixels], list[Fault]]:
    pixels, faults = [], []
    for answer in answers:
        if isinstance(answer, Fault):
            faults.append(answer)
        else:
            pixels.append(answer)
    return pixels, faults


class _Reduction:
    """Bands of a block that become one image, piece by piece.

    The median of a band needs no other band, so that only one band of all dates is in memory, as it is stored.
    Geomedian and medoid need all bands.

    Args:
        stack: The scenes.
        grid: Grid of the block.
        settings: Method and minimum number of dates.
        clear: Where each scene is clear, bool (scenes, height, width).
    """

    def __init__(self, stack: SceneStack, grid: GeoBox, settings: CompositingSettings, clear: Mask) -> None:
        self.stack, self.grid, self.settings, self.clear = stack, grid, settings, clear
        self.days = solar_days(stack, grid)
        self.pieces = [
            (piece, [place for place, sky in enumerate(clear) if sky[piece].any()]) for piece in _pieces(grid)
        ]
        self.seen = np.zeros(clear.shape, np.bool_)
        for piece, places in self.pieces:
            self.seen[(places, *piece)] = True
        self.planes = np.empty((len(stack.bands) + 1, *grid.shape), np.uint16)
        self.stored: list[dict[int, Numbers]] = []

    def add(self, place: int, band: str, stored: dict[int, Numbers]) -> None:
        """Reduce a band over time, given by place of its scene; or keep it until all bands are there."""
        if self.settings.method != "median":
            self.stored.append(stored)
            return
        windows = self._windows(band)
        for piece, places in self.pieces:
            if places:
                numbers, usable = self._fused(windows, stored, piece, places)
                self.planes[(place, *piece)] = to_numbers(masked_median(numbers[:, None], usable))[0]
            else:
                self.planes[(place, *piece)] = NODATA

    def result(self) -> Numbers:
        """Numbers and, last, clear dates: uint16 (bands + 1, height, width)."""
        numbers, dates = self.planes[:-1], self.planes[-1]
        if self.settings.method != "median":
            windows = [self._windows(band) for band in self.stack.bands]
            for piece, places in self.pieces:
                numbers[(slice(None), *piece)], dates[piece] = self._all_bands(windows, piece, places)
            return self.planes
        self.seen.sum(axis=0, dtype=np.uint16, out=dates)
        numbers[:, dates < self.settings.minimum_clear_dates] = NODATA
        return self.planes

    def _windows(self, band: str) -> list[NativeWindow]:
        """Of each scene the stored pixels of a band."""
        return [scene.native[band].window(self.grid) for scene in self.stack.scenes]

    def _all_bands(self, windows: list[list[NativeWindow]], piece: Piece, places: list[int]) -> tuple[Numbers, Numbers]:
        if not places:
            shape = (len(self.stack.bands), *self.clear[(0, *piece)].shape)
            return np.zeros(shape, np.uint16), np.zeros(shape[1:], np.uint16)
        bands = zip(windows, self.stored, strict=True)
        planes = [self._fused(own, stored, piece, places)[0] for own, stored in bands]
        return composite(np.stack(planes, axis=1), self.seen[(places, *piece)], self.settings)

    def _fused(
        self, windows: list[NativeWindow], stored: dict[int, Numbers], piece: Piece, places: list[int]
    ) -> tuple[Numbers, Mask]:
        """Numbers and usable pixels of the scenes that are clear anywhere in a piece, fused by day."""
        clear = self.clear[(slice(None), *piece)][places]
        numbers = np.empty(clear.shape, np.uint16)
        for plane, place in zip(numbers, places, strict=True):
            plane[:] = windows[place].fine(stored[place], *piece)
        usable = fuse_days(numbers, clear, [self.days[place] for place in places])
        for place, sky in zip(places, usable, strict=True):
            self.seen[(place, *piece)] &= sky  # counts only what every band shows
        return numbers, usable


def _pieces(grid: GeoBox) -> Iterator[Piece]:
    for rows in _even_parts(grid.shape[0], _PIECE[0]):
        for columns in _even_parts(grid.shape[1], _PIECE[1]):
            yield rows, columns


def _even_parts(length: int, largest: int) -> list[slice]:
    """Divide a side into parts of about a size, multiples of 60 m: a narrow rest would cost as much as a whole part."""
    size = math.ceil(length / math.ceil(length / largest) / _NESTED) * _NESTED
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]


def _clear(scene: OpenedScene, codes: Pixels, grid: GeoBox, settings: CompositingSettings, *, classified: bool) -> Mask:
    window = scene.native[MASK].window(grid, settings.clear_sky.dilation_metres)
    clear: Mask = clear_pixels(codes, settings.clear_sky, window.grid.transform.a) if classified else codes == 0
    if window.factor > 1:
        clear = nest(clear[RIM:-RIM, RIM:-RIM], window.factor)
    return window.cut(clear)


def solar_days(stack: SceneStack, grid: GeoBox) -> tuple[date, ...]:
    """Date of each scene by local solar time: granules of one pass share it, also near the date line."""
    longitude = middle_longitude(grid)
    return tuple(scene.facts.day(longitude) for scene in stack.scenes)


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
