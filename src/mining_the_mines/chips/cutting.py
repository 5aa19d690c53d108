"""Cutting chips out of composites, one at a time, into a folder of images with a table of labels."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import rasterio
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from rasterio.errors import RasterioIOError
from rasterio.io import DatasetReader

from mining_the_mines.chips.corrected_ground import CorrectedGround
from mining_the_mines.chips.cutting_files import UNLABELLED, ChipWriter, CutChip, left_out
from mining_the_mines.chips.cutting_places import ChipPlaces
from mining_the_mines.chips.cutting_plan import Cutout, Layout, LeftOut, add_places, plan_grid, plan_places
from mining_the_mines.core.array_files import write_schema
from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.paths import tell
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.geo.grid import read_grid
from mining_the_mines.geo.mine_polygons import MinePolygons
from mining_the_mines.geo.polygon_index import MineCover, PolygonIndex, check_coverage, measure_cover
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.sentinel2.reflectance import NODATA

logger = logging.getLogger(__name__)

RECORD: Final = "cutting.json"

#: Polygons went to degrees and back: a mine that ends where a chip begins can seem to cover this share of it.
_ROUNDING: Final = 1e-6


class CuttingSettings(BaseModel):
    """How chips are cut from composites, and from which share of mine on a chip is labelled as one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(64, ge=1, description="Edge of a chip in pixels of 10 m.")
    step: int | None = Field(
        None,
        ge=1,
        description="Pixels from one chip of the grid to the next; null for the size, so that chips lie side by side.",
    )
    max_nodata_share: float = Field(
        0.5, ge=0, le=1, description="A chip with a larger share of pixels without data is left out."
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


class CuttingRecord(BaseModel):
    """Origin of a folder of chips; the file ``cutting.json``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    settings: CuttingSettings = Field(description="How the chips were cut.")
    composites: dict[str, str] = Field(description="Region → SHA-256 of all that its composite depends on.")
    outlines: str | None = Field(description="File of the mine polygons; null if there were none.")
    mines: int = Field(description="Chips labelled as a mine.")
    others: int = Field(description="Chips labelled as no mine.")
    unlabelled: int = Field(description="Chips without label.")
    left_out: int = Field(description="Chips and places that were left out, the ambiguous ones included.")
    content_hash: str = Field(description="SHA-256 of all chips with their names, and of both tables.")


@dataclass(frozen=True)
class CutChips:
    """A folder of chips that were cut.

    Attributes:
        folder: Where they lie.
        record: Their origin.
    """

    folder: Path
    record: CuttingRecord


def cut_chips(
    composites: Sequence[Composite],
    polygons: MinePolygons | None,
    settings: CuttingSettings,
    folder: Path,
    places: ChipPlaces | None = None,
    progress: Progress = silent,
    corrected: CorrectedGround | None = None,
) -> CutChips:
    """Cut chips out of composites and write them one by one.

    Where reviewers have corrected ground, the corrected polygons decide the labels, a chip is centred on each corrected
    place besides, and a chip with a mine that has no outline is a mine. In a region that no polygon lay in before,
    only chips with a corrected place get a label: nobody has looked at the others.

    - ``images/*.tif``: labelled chips, uint16 with scale and offset in their tags, nodata 0, bands by name, in the
      composite's UTM zone; their tags hold dates and clear dates.
    - ``unlabelled/*.tif``: ambiguous chips, or all of them where there are no polygons.
    - ``labels.csv``: filename, label, category (kind of mine, or the look-alike that a reviewer saw), longitude,
      latitude, group, mine_share, region, start, end, and corrections (ids of corrected places on it); only with
      polygons or corrections.
    - ``left_out.csv``: chips and places without label, with the reason.
    - ``cutting.json``: :class:`CuttingRecord`.

    Args:
        composites: The regions.
        polygons: Polygons of mines, which decide the labels; without them no chip has a label.
        settings: Size and distance of the chips, and what makes a mine.
        folder: Folder to write; it appears whole or not at all.
        places: Places to centre chips on; by default they are cut on a grid.
        progress: Shows the progress.
        corrected: Places that reviewers have corrected, with the corrected polygons.

    Returns:
        The folder and its record.

    Raises:
        BadInputError: There is no composite, no chip fits into any, no place lies in any, no polygon meets any, a
            composite can't be read or has bands without names, every chip lacks data, none can be labelled, the folder
            can't be written, or the disk is full.
    """
    if not composites:
        raise BadInputError("There is no composite to cut chips from: run acquisition and compositing first.")
    plan = (
        plan_grid(composites, settings.layout) if places is None else plan_places(composites, places, settings.layout)
    )
    if corrected is not None:
        plan = add_places(plan, composites, corrected.places, settings.layout)
    if not plan.cutouts:
        reasons = "; ".join(dict.fromkeys(found.reason for found in plan.left_out))
        raise BadInputError(f"No chip of {settings.size} pixels can be cut ({reasons}): choose a smaller cutting.size.")
    ground = _survey(polygons, corrected, composites)
    with whole_folder(folder) as draft:
        writer = ChipWriter(draft, ground.index is not None, settings.mine_share, list(plan.left_out))
        for chip in _cut(progress(plan.cutouts, "Cutting chips"), ground, settings):
            writer.add(chip)
        writer.check_yield(len(plan.cutouts))
        writer.write_tables()
        record = CuttingRecord(
            settings=settings,
            composites={composite.region: composite.content_hash for composite in composites},
            outlines=None if polygons is None else tell(polygons.source, folder),
            mines=writer.mines,
            others=len(writer.labels) - writer.mines,
            unlabelled=writer.unlabelled,
            left_out=len(writer.left_out),
            content_hash=writer.digest.hexdigest(),
        )
        write_schema(draft / RECORD, record)
    logger.info("%d chips with and %d without a mine, %d unlabelled.", record.mines, record.others, record.unlabelled)
    return CutChips(folder, record)


def read_cutting(folder: Path) -> CuttingRecord:
    """Read the origin of a folder of chips.

    Args:
        folder: Folder that :func:`cut_chips` wrote.

    Returns:
        The record.

    Raises:
        BadInputError: The folder holds no cut chips, or its record is damaged.
    """
    path = folder / RECORD
    try:
        return CuttingRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError:
        raise BadInputError(f"{folder} holds no chips that were cut from composites: cut them first.") from None
    except (ValidationError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} is no record of cut chips ({type(error).__name__}): cut them again.") from error


def holds_unlabelled(folder: Path) -> bool:
    """Return whether a folder is the sub-folder of :func:`cut_chips` for chips without label, which may be empty."""
    return folder.name == UNLABELLED and (folder.parent / RECORD).is_file()


@dataclass(frozen=True)
class _Ground:
    """Knowledge of the ground that decides labels.

    Attributes:
        index: Polygons of mines, corrected; ``None`` if nobody knows any.
        corrected: Places that reviewers have corrected.
        unknown: Regions in which only chips with a corrected place get a label.
    """

    index: PolygonIndex | None
    corrected: CorrectedGround | None
    unknown: tuple[str, ...]


def _survey(
    polygons: MinePolygons | None, corrected: CorrectedGround | None, composites: Sequence[Composite]
) -> _Ground:
    """Index the polygons, check that they fit the regions, and say which regions have none."""
    known = None if polygons is None else PolygonIndex(polygons)
    grids = {composite.region: read_grid(composite.image) for composite in composites}
    if known is not None:
        check_coverage(known, grids.values())
    without = tuple(region for region, grid in grids.items() if known is None or not known.touching(grid).size)
    if corrected is None:
        _warn_of(without, known)
        return _Ground(known, None, ())
    judged = tuple(region for region in without if known is None or corrected.on(grids[region]).size)
    _warn_of(tuple(region for region in without if region not in judged), known)
    if judged:
        logger.info("No polygon lies in %s: only chips with a corrected place get a label there.", ", ".join(judged))
    return _Ground(PolygonIndex(corrected.polygons), corrected, judged)


def _warn_of(without: Sequence[str], index: PolygonIndex | None) -> None:
    if without and index is not None:
        logger.warning(
            "No polygon of %s lies in %s: all chips from there are labelled as no mine.",
            index.polygons.source,
            ", ".join(without),
        )


def _cut(cutouts: Iterable[Cutout], ground: _Ground, settings: CuttingSettings) -> Iterator[CutChip | LeftOut]:
    """Cut chips, those of a composite together; chips with too little data come as left out."""
    for composite, chips in groupby(cutouts, key=lambda cutout: cutout.composite):
        try:
            with rasterio.open(composite.image) as image, rasterio.open(composite.clear_dates) as clear:
                for cutout in chips:
                    yield _cut_chip(cutout, image, clear, ground, settings)
        except RasterioIOError as error:
            raise BadInputError(
                f"The composite of {composite.region} can't be read ({error}): remove {composite.image} and make "
                "it again."
            ) from error


def _cut_chip(
    cutout: Cutout, image: DatasetReader, clear: DatasetReader, ground: _Ground, settings: CuttingSettings
) -> CutChip | LeftOut:
    numbers: npt.NDArray[np.uint16] = image.read(window=cutout.window)
    empty = (numbers == NODATA).any(axis=0)
    corrected = ground.corrected
    places = np.empty(0, dtype=np.intp) if corrected is None else corrected.on(cutout.grid)
    is_known = ground.index is not None and (places.size > 0 or cutout.composite.region not in ground.unknown)
    cover = measure_cover(ground.index, cutout.grid, empty) if ground.index is not None and is_known else None
    share = float(empty.mean())
    if share > settings.max_nodata_share or share == 1:
        most = settings.max_nodata_share
        reason = f"nodata: {share:.0%} of its pixels have none, at most {most:.0%} may"
        return left_out(cutout, reason, float("nan") if cover is None else cover.whole)
    if not all(image.descriptions):
        raise BadInputError(
            f"{cutout.composite.image} has bands without names: name them in the band descriptions, or make it again."
        )
    counts = clear.read(1, window=cutout.window)
    is_mine = corrected is not None and bool(corrected.without_outline[places].any())
    found = None if corrected is None else corrected.table.iloc[places]
    return CutChip(
        cutout=cutout,
        numbers=numbers,
        bands=tuple(str(name) for name in image.descriptions),
        scales=tuple(image.scales),
        offsets=tuple(image.offsets),
        clear_dates=(int(counts.min()), float(np.median(counts)), int(counts.max())),
        label=None if cover is None else 1 if is_mine else _label(cover, settings),
        cover=cover,
        look_alike="" if found is None else next((name for name in found["category"] if name), ""),
        corrections=() if found is None else tuple(found["place_id"]),
    )


def _label(cover: MineCover, settings: CuttingSettings) -> int | None:
    if cover.visible >= settings.mine_share:
        return 1
    # A mine where data are missing makes neither a mine nor a place without one.
    return 0 if cover.whole <= settings.clear_share + _ROUNDING else None
