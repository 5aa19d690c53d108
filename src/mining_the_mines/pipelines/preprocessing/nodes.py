"""Nodes of preprocessing."""

import logging
from typing import Any

import pandas as pd

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.folds import FoldSettings
from mining_the_mines.chips.folds import assign_folds as deal_chips
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.packing import ChipStream, PackedChips
from mining_the_mines.chips.quality import ChipSettings, check_sufficiency
from mining_the_mines.chips.statistics import summarise_bands
from mining_the_mines.datasets.progress import progress_bar

logger = logging.getLogger(__name__)


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
        logger.info(
            "%s: %d chips of %d places, %d with a mine.", name, len(part), part["place"].nunique(), part["label"].sum()
        )
    return assigned


def pack_chips(raw_chips: ChipFolder, manifest: pd.DataFrame, chips: ChipSettings) -> ChipStream:
    """Queue the accepted chips for packing into one array; they are read as they are written."""
    return ChipStream.accepted(raw_chips, manifest, chips, progress_bar)


def measure_bands(packed_chips: PackedChips, folds: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Measure mean, deviation and percentiles of each band on the training chips outside each fold."""
    statistics = summarise_bands(packed_chips, folds, progress_bar)
    return {fold: figures.model_dump(mode="json") for fold, figures in statistics.items()}
