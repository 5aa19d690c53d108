"""Cutting chips out of composites, as a stream: one chip at a time is in memory."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

import numpy as np
import numpy.typing as npt
import rasterio
from pydantic import BaseModel, ConfigDict, Field, model_validator
from rasterio.errors import RasterioIOError
from rasterio.io import DatasetReader

from mining_the_mines.chips.cutting_labels import MineCover, cover_of
from mining_the_mines.chips.cutting_places import ChipPlaces
from mining_the_mines.chips.cutting_plan import Cutout, Layout, LeftOut, Plan, plan_grid, plan_places
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.geo.grid import ChipGrid, read_grid
from mining_the_mines.geo.mine_polygons import MinePolygons
from mining_the_mines.geo.polygon_index import PolygonIndex, check_coverage
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.sentinel2.reflectance import NODATA

logger = logging.getLogger(__name__)

#: Outlines went to degrees and back: a mine that ends where a chip begins can seem to cover this share of it.
_ROUNDING: Final = 1e-6


class CuttingSettings(BaseModel):
    """How chips are cut from composites, and when a chip is called a mine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(64, ge=1, description="Edge of a chip in pixels of 10 m.")
    step: int | None = Field(
        None,
        ge=1,
        description="Pixels from one chip of the grid to the next; null for the size, so that chips lie side by side.",
    )
    max_nodata_share: float = Field(
        0.5, ge=0, le=1, description="A chip of which a larger share of pixels has no data is left out."
    )
    mine_share: float = Field(0.01, gt=0, le=1, description="A chip is a mine from this share of its ground on.")
    clear_share: float = Field(
        0.0,
        ge=0,
        description=(
            "A chip is no mine up to this share of its ground. Between the two shares it is ambiguous: it gets no "
            "label, and is listed."
        ),
    )
    block: int | None = Field(
        3,
        ge=1,
        description=(
            "Chips along the edge of a block; the chips of a block are never split up between training and testing, "
            "since neighbours are alike (spatial block cross-validation, Roberts et al., 2017, "
            "https://doi.org/10.1111/ecog.02881). Null makes each region one block."
        ),
    )

    @model_validator(mode="after")
    def _in_order(self) -> "CuttingSettings":
        if self.clear_share >= self.mine_share:
            raise ValueError(
                f"clear_share is {self.clear_share} and mine_share {self.mine_share}: a chip can't be both, so choose "
                "a clear_share below mine_share."
            )
        return self

    @property
    def layout(self) -> Layout:
        """Size and distance of the chips."""
        return Layout(self.size, self.step or self.size, self.block)


@dataclass(frozen=True)
class CutChip:
    """A chip that was cut.

    Attributes:
        cutout: Where it lies.
        numbers: Digital numbers as in the composite, uint16 (bands, height, width).
        bands: Names of the bands.
        scales: Of each band, as in the composite's tags.
        offsets: Of each band, as in the composite's tags.
        clear_dates: Least, median and largest number of clear dates of its pixels.
        label: 1 for a mine, 0 for none; ``None`` where nobody can tell.
        cover: How much of it is mine; ``None`` without outlines.
    """

    cutout: Cutout
    numbers: npt.NDArray[np.uint16]
    bands: tuple[str, ...]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    clear_dates: tuple[int, float, int]
    label: int | None
    cover: MineCover | None


@dataclass(frozen=True)
class ChipCutting:
    """Chips to be written, cut one after the other while they are.

    Attributes:
        settings: How they are cut.
        composites: What they are cut from.
        plan: Where they lie.
        index: Outlines of mines; ``None`` for chips without labels.
        progress: Shows how far it has come.
    """

    settings: CuttingSettings
    composites: Sequence[Composite]
    plan: Plan
    index: PolygonIndex | None
    progress: Progress = field(repr=False)

    def __len__(self) -> int:
        """Number of chips, some of which may turn out to be empty."""
        return len(self.plan.cutouts)

    def __iter__(self) -> Iterator[CutChip | LeftOut]:
        """Cut the chips.

        Yields:
            The chips by region, and in their place those that have too little data.

        Raises:
            BadInputError: If a composite can't be read or has bands without names.
        """
        cutouts = self.progress(self.plan.cutouts, "Cutting chips")
        for composite, chips in groupby(cutouts, key=lambda cutout: cutout.composite):
            try:
                with rasterio.open(composite.image) as image, rasterio.open(composite.clear_dates) as clear:
                    for cutout in chips:
                        yield self._cut(cutout, image, clear)
            except RasterioIOError as error:
                raise BadInputError(
                    f"The composite of {composite.region} can't be read ({error}): remove {composite.image} and make "
                    "it again."
                ) from error

    def _cut(self, cutout: Cutout, image: DatasetReader, clear: DatasetReader) -> CutChip | LeftOut:
        numbers: npt.NDArray[np.uint16] = image.read(window=cutout.window)
        empty = (numbers == NODATA).any(axis=0)
        cover = None if self.index is None else cover_of(self.index, cutout.grid, empty)
        share = float(empty.mean())
        if share > self.settings.max_nodata_share or share == 1:
            most = self.settings.max_nodata_share
            return _left_out(cutout, f"nodata: {share:.0%} of its pixels have none, at most {most:.0%} may", cover)
        counts = clear.read(1, window=cutout.window)
        return CutChip(
            cutout=cutout,
            numbers=numbers,
            bands=_band_names(cutout.composite, image),
            scales=tuple(image.scales),
            offsets=tuple(image.offsets),
            clear_dates=(int(counts.min()), float(np.median(counts)), int(counts.max())),
            label=None if cover is None else self._label(cover),
            cover=cover,
        )

    def _label(self, cover: MineCover) -> int | None:
        if cover.visible >= self.settings.mine_share:
            return 1
        # A mine that lies where data are missing makes no mine, and no place without one either.
        return 0 if cover.whole <= self.settings.clear_share + _ROUNDING else None


def cut_chips(
    composites: Sequence[Composite],
    outlines: MinePolygons | None,
    settings: CuttingSettings,
    places: ChipPlaces | None = None,
    progress: Progress = silent,
) -> ChipCutting:
    """Lay out chips over composites; they are cut when the result is gone through or written.

    Args:
        composites: The regions.
        outlines: Polygons of mines, which say what a chip is called; without them no chip has a label.
        settings: Size and distance of the chips, and what makes a mine.
        places: Where chips are wanted; by default they are cut on a grid.
        progress: Shows how far it has come.

    Returns:
        The chips, for :func:`mining_the_mines.chips.cutting_files.write_chips`.

    Raises:
        BadInputError: If there is no composite, no chip fits into any, no place lies in any, no outline meets any, or a
            composite can't be read.
    """
    if not composites:
        raise BadInputError("There is no composite to cut chips from: run acquisition and compositing first.")
    layout = settings.layout
    plan = plan_grid(composites, layout) if places is None else plan_places(composites, places, layout)
    if not plan.cutouts:
        reasons = "; ".join(dict.fromkeys(found.reason for found in plan.left_out))
        raise BadInputError(f"No chip of {settings.size} pixels can be cut ({reasons}): choose a smaller cutting.size.")
    index = None if outlines is None else PolygonIndex(outlines)
    if index is not None:
        _check_outlines(index, {composite.region: read_grid(composite.image) for composite in composites})
    return ChipCutting(settings, composites, plan, index, progress)


def _check_outlines(index: PolygonIndex, grids: dict[str, ChipGrid]) -> None:
    check_coverage(index, grids.values())
    without = [region for region, grid in grids.items() if not index.touching(grid).size]
    if without:
        logger.warning(
            "No outline of %s lies in %s: all chips from there are labelled as no mine.",
            index.outlines.source,
            ", ".join(without),
        )


def _left_out(cutout: Cutout, reason: str, cover: MineCover | None) -> LeftOut:
    return LeftOut(
        reason,
        place=cutout.place,
        region=cutout.composite.region,
        mine_share=float("nan") if cover is None else cover.whole,
        longitude=cutout.longitude,
        latitude=cutout.latitude,
    )


def _band_names(composite: Composite, image: DatasetReader) -> tuple[str, ...]:
    if not all(image.descriptions):
        raise BadInputError(
            f"{composite.image} has bands without names: name them in the band descriptions, or make it again."
        )
    return tuple(str(name) for name in image.descriptions)
