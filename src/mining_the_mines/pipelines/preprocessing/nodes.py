"""Nodes of preprocessing."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from mining_the_mines.chips.archives import ZippedChips, open_chips
from mining_the_mines.chips.corrected_ground import CorrectedGround, apply_corrections
from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.folds import FoldSettings
from mining_the_mines.chips.folds import assign_folds as deal_chips
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.masks import MaskSettings, check_masks, place_chips
from mining_the_mines.chips.masks import describe_masks as tabulate_masks
from mining_the_mines.chips.masks import draw_masks as burn_polygons
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.packing import pack_chips as write_chips
from mining_the_mines.chips.planes import PackedPlanes
from mining_the_mines.chips.quality import ChipSettings, check_sufficiency
from mining_the_mines.chips.statistics import summarise_bands
from mining_the_mines.chips.windows import WindowSettings
from mining_the_mines.chips.windows import cut_windows as find_windows
from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.paths import tell
from mining_the_mines.core.progress_bars import progress_bar
from mining_the_mines.geo.mine_polygons import MinePolygons
from mining_the_mines.scenes.composite_files import Composite, composite_files

logger = logging.getLogger(__name__)


def judge_chips(
    raw_chips: ChipFolder | ZippedChips, unpacked_chips: Path, chips: ChipSettings, rejections: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read every chip once, check it, and list accepted and rejected chips, with the reason.

    Args:
        raw_chips: The chips and their labels, maybe in archives.
        unpacked_chips: Folder to unpack archives in.
        chips: How to read the chips, and their requirements.
        rejections: Folder for the table of reasons that a run leaves behind if it stops here.

    Returns:
        The manifest of all chips, and its rejected rows alone.

    Raises:
        BadInputError: Too few chips or one class only remain. The reasons have been written to
            ``rejected_chips.csv`` in that folder.
    """
    manifest = take_inventory(open_chips(raw_chips, unpacked_chips), chips, progress_bar)
    rejected = manifest.loc[manifest["verdict"] == "rejected", ["filename", "label", "reason"]].reset_index(drop=True)
    table = rejections / "rejected_chips.csv"
    try:
        check_sufficiency(manifest, chips.min_chips_per_class, table)
    except BadInputError:
        with whole_file(table) as partial:
            rejected.to_csv(partial, index=False)
        raise
    return manifest, rejected


def assign_folds(manifest: pd.DataFrame, corrections: gpd.GeoDataFrame | None, folds: FoldSettings) -> pd.DataFrame:
    """Split the accepted chips into a test set and folds that share no place."""
    assigned = deal_chips(manifest, folds, corrections)
    for (split, fold), part in assigned.groupby(["split", "fold"], dropna=False):
        name = "test split" if split == "test" else f"fold {fold}"
        mines = f", {part['label'].sum()} with a mine" if part["label"].notna().any() else ""
        logger.info("%s: %d chips of %d places%s.", name, len(part), part["place"].nunique(), mines)
    return assigned


def pack_chips(
    raw_chips: ChipFolder | ZippedChips, unpacked_chips: Path, manifest: pd.DataFrame, chips: ChipSettings, drafts: Path
) -> PackedChips:
    """Read the accepted chips and write them into one array.

    Args:
        raw_chips: The chips, maybe in archives.
        unpacked_chips: Folder of unpacked archives.
        manifest: Says which chips were accepted.
        chips: How to read the chips.
        drafts: Folder to write the array in.

    Returns:
        The packed chips.

    Raises:
        BadInputError: A chip can't be read any more.
    """
    folder = open_chips(raw_chips, unpacked_chips)
    return write_chips(folder, manifest, chips, drafts / "packed_chips", progress_bar)


def measure_bands(packed_chips: PackedChips, folds: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Measure mean, deviation and percentiles of each band on the training chips outside each fold."""
    statistics = summarise_bands(packed_chips, folds, progress_bar)
    return {fold: figures.model_dump(mode="json") for fold, figures in statistics.items()}


def draw_masks(
    raw_chips: ChipFolder | ZippedChips,
    unpacked_chips: Path,
    packed_chips: PackedChips,
    mine_polygons: MinePolygons,
    corrections: gpd.GeoDataFrame | None,
    masks: MaskSettings,
    drafts: Path,
) -> tuple[PackedPlanes, pd.DataFrame]:
    """Burn the polygons onto the grid of every packed chip, and list every polygon with its verdict.

    Args:
        raw_chips: The chips, whose files hold their grids.
        unpacked_chips: Folder of unpacked archives.
        packed_chips: The chips to draw masks for, and their missing data.
        mine_polygons: Polygons of mines, repaired.
        corrections: Labels of reviewers, if any run made them of answers.
        masks: How polygons become pixels.
        drafts: Folder to write the masks in.

    Returns:
        The masks, and the inventory of polygons.

    Raises:
        BadInputError: There are no polygons, none meets any chip, or no chip has a coordinate reference system.
    """
    polygons, corrected = _correct(mine_polygons, corrections)
    folder = open_chips(raw_chips, unpacked_chips)
    drawn = burn_polygons(packed_chips, folder, polygons, masks, drafts / "masks", progress_bar, corrected)
    return drawn, polygons.inventory


def describe_masks(
    raw_chips: ChipFolder | ZippedChips,
    unpacked_chips: Path,
    packed_chips: PackedChips,
    masks: PackedPlanes,
    mine_polygons: MinePolygons,
    corrections: gpd.GeoDataFrame | None,
    settings: MaskSettings,
) -> pd.DataFrame:
    """Count for every chip how much of it is mine, and list chips without mask with the reason."""
    polygons, corrected = _correct(mine_polygons, corrections)
    drawn = set(masks.filenames)
    undrawn = [name for name in packed_chips.filenames if name not in drawn]
    left_out = place_chips(open_chips(raw_chips, unpacked_chips), undrawn, corrected=corrected).left_out
    return tabulate_masks(masks, polygons, settings, left_out, progress_bar)


def cut_windows(
    packed_chips: PackedChips,
    masks: PackedPlanes,
    mine_polygons: MinePolygons,
    corrections: gpd.GeoDataFrame | None,
    folds: pd.DataFrame,
    windows: WindowSettings,
) -> pd.DataFrame:
    """List the windows of the training chips that training may cut its pictures from."""
    check_masks(masks, packed_chips)
    training = folds.loc[folds["split"] == "train", "filename"]
    names = training[training.isin(masks.filenames)].tolist()
    found = find_windows(masks, names, _correct(mine_polygons, corrections)[0], windows)
    counts = found["kind"].value_counts()
    logger.info("%d windows with a mine and %d without.", counts.get("mine", 0), counts.get("other", 0))
    return found


def list_test_regions(composites: Sequence[Composite], folds: pd.DataFrame) -> list[dict[str, Any]]:
    """List the regions that no model has seen, to be mapped later; all regions, if models have seen each of them.

    Args:
        composites: One a region.
        folds: Split and place of each chip; a place begins with its region.

    Returns:
        For each region its name, its composite's raster as a path in the project, all files of the composite, and
        whether models have seen it.
    """
    trained = folds.loc[folds["split"] != "test", "place"]
    seen = {str(place).rsplit("/", 1)[0] for place in trained}
    regions = [
        {
            "region": composite.region,
            "path": tell(composite.image, composite.image),
            "with": [{"path": tell(path, path)} for path in composite_files(composite.image.parent, composite)],
            "seen": composite.region in seen,
        }
        for composite in composites
    ]
    return [region for region in regions if not region["seen"]] or regions


def _correct(
    polygons: MinePolygons | None, corrections: gpd.GeoDataFrame | None
) -> tuple[MinePolygons, CorrectedGround | None]:
    """Correct the polygons, and make sure that there are some."""
    corrected = None if corrections is None else apply_corrections(polygons, corrections)
    found = polygons if corrected is None else corrected.polygons
    if found is None or not len(found):
        raise BadInputError(
            "There are no polygons of mines to draw masks from: name a vector file with --params=polygons=FILE, or "
            "put it beside the raw data."
        )
    return found, corrected
