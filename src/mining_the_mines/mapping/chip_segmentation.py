"""Outlining the mines of a folder of chips, a few chips at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Final, Protocol, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.masks import Mask
from mining_the_mines.chips.quality import ChipSettings, find_fault
from mining_the_mines.core.prefetching import map_ahead
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.geo.grid import ChipGrid, read_grid
from mining_the_mines.mapping.polygonize import Probability, draw_mask, polygonize_chip
from mining_the_mines.mapping.settings import VectorSettings
from mining_the_mines.rasters.chip import ChipError

#: Pixels that a model is given at a time: 16 chips of 256 × 256, 4 of 512 × 512, and always at least one.
BATCH_PIXELS: Final = 2**20


class Segmenter(Protocol):
    """A complete segmenter, whatever is inside."""

    @property
    def chips(self) -> ChipSettings:
        """How chips are read, and what is asked of them."""
        ...

    @property
    def threshold(self) -> float:
        """Probability from which a pixel counts as mine."""
        ...

    def predict(self, reflectance: npt.NDArray[np.float32], /) -> Probability:
        """Probability of a mine for each pixel.

        Args:
            reflectance: (B, C, H, W) in the order of the bands; NaN without data.

        Returns:
            (B, H, W) in 0–1; NaN without data.
        """
        ...


@dataclass(frozen=True, eq=False)
class SegmentedChip:
    """What was found in a chip.

    Attributes:
        filename: The chip.
        grid: Where it lies.
        threshold: Probability from which a pixel counted as mine.
        probability: float32 (height, width) in 0–1; NaN without data.
        mask: uint8 (height, width): background, mine or unknown; mine is what the polygons cover.
        outlines: The polygons, as :func:`mining_the_mines.mapping.polygonize.polygonize_chip` gives them.
    """

    filename: str
    grid: ChipGrid
    threshold: float
    probability: Probability
    mask: Mask
    outlines: gpd.GeoDataFrame


@dataclass(frozen=True)
class LeftOutChip:
    """A chip that can't be outlined.

    Attributes:
        filename: The chip.
        reason: Why not, and the way out.
    """

    filename: str
    reason: str


@dataclass(frozen=True, eq=False)
class _ReadChip:
    """A chip that can be outlined."""

    filename: str
    grid: ChipGrid
    reflectance: npt.NDArray[np.float32]


Outcome: TypeAlias = SegmentedChip | LeftOutChip


@dataclass(frozen=True)
class SegmentedChips:
    """Chips that are read, judged and outlined while they are gone through.

    Attributes:
        folder: The chips, of any sizes.
        segmenter: The model.
        settings: Which patches become polygons.
        progress: Shows how far it has come.
    """

    folder: ChipFolder
    segmenter: Segmenter
    settings: VectorSettings
    progress: Progress = field(default=silent, compare=False, repr=False)

    def __iter__(self) -> Iterator[Outcome]:
        """Outline the chips; neighbours of equal size go through the model together.

        Yields:
            What was found in each chip, in the order of the folder; for one that can't be read, has no place on the
            Earth or is faulty, the reason.

        Raises:
            ChipError: If the folder does not exist or holds no GeoTIFF.
        """
        names = self.progress(self.folder.filenames, "Outlining mines")
        chips = map_ahead(self._read, names, self.segmenter.chips.workers)
        for _, alike in groupby(chips, key=_size):
            for batch in _batches(alike):
                yield from self._outline(batch)

    def _read(self, filename: str) -> _ReadChip | LeftOutChip:
        path, settings = self.folder.path(filename), self.segmenter.chips
        try:
            grid = read_grid(path)
            chip = settings.read(path)
        except ChipError as error:
            return LeftOutChip(filename, str(error))
        fault = find_fault(chip, settings)
        if fault is not None:
            return LeftOutChip(filename, f"{path} can't be judged ({fault}): give a better chip of the place.")
        return _ReadChip(filename, grid, chip.reflectance)

    def _outline(self, batch: list[_ReadChip | LeftOutChip]) -> Iterator[Outcome]:
        read = [chip for chip in batch if isinstance(chip, _ReadChip)]
        if not read:
            yield from (chip for chip in batch if isinstance(chip, LeftOutChip))
            return
        maps = self.segmenter.predict(np.stack([chip.reflectance for chip in read]))
        for chip, probability in zip(read, maps, strict=True):
            yield self._polygonize(chip, probability)

    def _polygonize(self, chip: _ReadChip, probability: Probability) -> Outcome:
        path, threshold = self.folder.path(chip.filename), self.segmenter.threshold
        if np.isnan(probability).all():
            return LeftOutChip(chip.filename, f"{path} has no pixel with data in every band: give a better chip.")
        try:
            outlines = polygonize_chip(probability, chip.grid, threshold, self.settings)
        except ChipError as error:
            return LeftOutChip(chip.filename, f"{path} can't be outlined: {error}")
        mask = draw_mask(outlines, probability, chip.grid)
        return SegmentedChip(chip.filename, chip.grid, threshold, probability, mask, outlines)


def _size(chip: _ReadChip | LeftOutChip) -> tuple[int, int] | None:
    return None if isinstance(chip, LeftOutChip) else (chip.grid.height, chip.grid.width)


def _batches(chips: Iterable[_ReadChip | LeftOutChip]) -> Iterator[list[_ReadChip | LeftOutChip]]:
    """Cut chips of one size into batches that a model can be given at a time."""
    remaining = iter(chips)
    for first in remaining:
        height, width = _size(first) or (1, 1)
        yield [first, *islice(remaining, max(1, BATCH_PIXELS // (height * width)) - 1)]
