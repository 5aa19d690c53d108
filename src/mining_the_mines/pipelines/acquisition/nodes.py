"""Nodes of acquisition."""

import logging
from pathlib import Path

import pandas as pd

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.progress_bars import progress_bar
from mining_the_mines.datasets.scenes import AssetRequest
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.selection import select_scenes as search
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings

logger = logging.getLogger(__name__)


def choose_scenes(
    acquisition: AcquisitionSettings, imagery: ChipSettings, compositing: CompositingSettings
) -> SceneSelection:
    """Search an archive for scenes of each region, by date and cloud cover, and list those that are to be used."""
    return search(acquisition, imagery.bands, compositing.mask, progress_bar)


def choose_simulated_scenes(
    acquisition: AcquisitionSettings, imagery: ChipSettings, compositing: CompositingSettings, simulated_series: Path
) -> SceneSelection:
    """Search the simulated archive like any other; it says itself which regions it holds."""
    return search(acquisition.of_archive(simulated_series), imagery.bands, compositing.mask, progress_bar)


def reach_scenes(chosen_scenes: SceneSelection, acquisition: AcquisitionSettings) -> AssetRequest:
    """Leave out scenes whose files do not answer; fetch the files if they are to be kept."""
    return AssetRequest(chosen_scenes, acquisition)


def list_scenes(scenes: SceneSelection) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List the scenes for people, and those that were left out, with the reason."""
    table = scenes.table()
    for region, part in table.groupby("region"):
        logger.info("%s: %d scenes of %d days.", region, len(part), part["datetime"].str[:10].nunique())
    return table, scenes.left_out
