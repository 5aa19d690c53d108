"""Nodes of preprocessing."""

import logging
from collections.abc import Sequence
from typing import Any

import pandas as pd

from mining_the_mines.chips.cutting import ChipCutting, CuttingSettings
from mining_the_mines.chips.cutting import cut_chips as cut
from mining_the_mines.chips.cutting_places import ChipPlaces
from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.folds import FoldSettings
from mining_the_mines.chips.folds import assign_folds as deal_chips
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.masks import MaskSettings, check_masks, place_chips
from mining_the_mines.chips.masks import describe_masks as tabulate_masks
from mining_the_mines.chips.masks import draw_masks as lay_outlines
from mining_the_mines.chips.packing import ChipStream, PackedChips
from mining_the_mines.chips.planes import PackedPlanes, PlaneStream
from mining_the_mines.chips.quality import ChipSettings, check_sufficiency
from mining_the_mines.chips.statistics import summarise_bands
from mining_the_mines.chips.windows import WindowSettings
from mining_the_mines.chips.windows import cut_windows as find_windows
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.progress_bars import progress_bar
from mining_the_mines.datasets.scenes import CompositeRequest
from mining_the_mines.geo.mine_polygons import MinePolygons
from mining_the_mines.pipelines.preprocessing.polygon_checks import check_ground, require_polygons
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.scenes.composites import plan_composites
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings

logger = logging.getLogger(__name__)


def check_polygons(mine_polygons: MinePolygons | None) -> None:
    """Read the outlines before scenes are asked for: what is wrong with them must not come out hours later."""
    if mine_polygons is None:
        logger.info("No outlines of mines are named: chips get no label, and lie in the folder unlabelled.")


def check_labelling(mine_polygons: MinePolygons | None) -> None:
    """Stop a run that is to train before scenes are asked for, where no outlines can give chips their labels."""
    require_polygons(mine_polygons)


def composite_scenes(
    scenes: SceneSelection,
    imagery: ChipSettings,
    compositing: CompositingSettings,
    acquisition: AcquisitionSettings,
    dask: DaskSettings,
    mine_polygons: MinePolygons | None,
) -> CompositeRequest:
    """Plan a composite of each region: harmonised, clouds masked, one value a pixel from all clear dates.

    Args:
        scenes: Of each region.
        imagery: Says which bands.
        compositing: What is masked, and how dates become one.
        acquisition: Says how patiently files are read.
        dask: Where blocks are worked on.
        mine_polygons: Play no part in a composite; hours before chips are cut from it, they are seen not to fit.

    Returns:
        The plans; composites are made as they are saved, block by block.

    Raises:
        BadInputError: No outline meets any region, or the outlines are simulated and the scenes are not.
    """
    if mine_polygons is not None:
        check_ground(mine_polygons, scenes)
    return CompositeRequest(
        plan_composites(scenes, imagery.bands, compositing, acquisition, acquisition.minimum_dates), dask
    )


def cut_chips(
    composites: Sequence[Composite],
    mine_polygons: MinePolygons | None,
    chip_places: ChipPlaces | None,
    cutting: CuttingSettings,
) -> ChipCutting:
    """Cut chips out of the composites, on a grid or at given places, and label those that polygons decide on."""
    return cut(composites, mine_polygons, cutting, chip_places, progress_bar)


def judge_chips(raw_chips: ChipFolder, chips: ChipSettings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read every chip once, check it, and list what is accepted and what is rejected, with the reason.

    Args:
        raw_chips: The chips as they were handed over.
        chips: How to read them, and what is asked of them.

    Returns:
        The manifest of all chips, and its rejected rows alone.

    Raises:
        BadInputError: Too few chips or one class only remain.
    """
    manifest = take_inventory(raw_chips, chips, progress_bar)
    rejected = manifest[manifest["verdict"] == "rejected"]
    check_sufficiency(manifest, chips.min_chips_per_class)
    return manifest, rejected[["filename", "label", "reason"]].reset_index(drop=True)


def assign_folds(manifest: pd.DataFrame, folds: FoldSettings) -> pd.DataFrame:
    """Split the accepted chips into a test set and folds that share no place."""
    assigned = deal_chips(manifest, folds)
    for (split, fold), part in assigned.groupby(["split", "fold"], dropna=False):
        name = "test split" if split == "test" else f"fold {fold}"
        mines = f", {part['label'].sum()} with a mine" if part["label"].notna().any() else ""
        logger.info("%s: %d chips of %d places%s.", name, len(part), part["place"].nunique(), mines)
    return assigned


def pack_chips(raw_chips: ChipFolder, manifest: pd.DataFrame, chips: ChipSettings) -> ChipStream:
    """Queue the accepted chips for packing into one array; they are read as they are written."""
    return ChipStream.accepted(raw_chips, manifest, chips, progress_bar)


def measure_bands(packed_chips: PackedChips, folds: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Measure mean, deviation and percentiles of each band on the training chips outside each fold."""
    statistics = summarise_bands(packed_chips, folds, progress_bar)
    return {fold: figures.model_dump(mode="json") for fold, figures in statistics.items()}


def draw_masks(
    raw_chips: ChipFolder, packed_chips: PackedChips, mine_polygons: MinePolygons | None, masks: MaskSettings
) -> tuple[PlaneStream, pd.DataFrame]:
    """Lay the outlines over the grid of every packed chip, and list every outline with what became of it.

    Args:
        raw_chips: Their files tell where they lie.
        packed_chips: Which chips, and where they have no data.
        mine_polygons: Repaired where they had to be.
        masks: How pixels at the rim are taken.

    Returns:
        The masks, drawn as they are written, and the inventory of outlines.

    Raises:
        BadInputError: There are no outlines, none meets any chip, or no chip has a coordinate reference system.
    """
    outlines = require_polygons(mine_polygons)
    return lay_outlines(packed_chips, raw_chips, outlines, masks, progress_bar), outlines.inventory


def describe_masks(
    raw_chips: ChipFolder,
    packed_chips: PackedChips,
    masks: PackedPlanes,
    mine_polygons: MinePolygons | None,
    settings: MaskSettings,
) -> pd.DataFrame:
    """Tell for every chip how much of it is mine, and why it has no mask if it has none."""
    drawn = set(masks.filenames)
    left_out = place_chips(raw_chips, [name for name in packed_chips.filenames if name not in drawn]).left_out
    return tabulate_masks(masks, require_polygons(mine_polygons), settings, left_out, progress_bar)


def cut_windows(
    packed_chips: PackedChips,
    masks: PackedPlanes,
    mine_polygons: MinePolygons | None,
    folds: pd.DataFrame,
    windows: WindowSettings,
) -> pd.DataFrame:
    """List the windows of the training chips that training may cut its pictures from."""
    check_masks(masks, packed_chips)
    training = folds.loc[folds["split"] == "train", "filename"]
    names = training[training.isin(masks.filenames)].tolist()
    found = find_windows(masks, names, require_polygons(mine_polygons), windows)
    counts = found["kind"].value_counts()
    logger.info("%d windows with a mine and %d without.", counts.get("mine", 0), counts.get("other", 0))
    return found
