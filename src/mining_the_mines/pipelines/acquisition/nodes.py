"""Nodes of acquisition."""

import json
import logging
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.progress_bars import progress_bar
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.datasets.scenes import AssetRequest
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.selection import select_scenes as search
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.simulation import SeriesSettings
from mining_the_mines.simulation import simulate_archive as simulate
from mining_the_mines.simulation.series import RECORD

logger = logging.getLogger(__name__)

#: The source that makes its own scenes.
SIMULATION: Final = "simulation"


def simulate_archive(
    acquisition: AcquisitionSettings, simulation: SeriesSettings, archive_folder: Path
) -> dict[str, Any]:
    """Simulate a static STAC catalog of scenes, if the simulation is the source that is asked for.

    Args:
        acquisition: Names the source.
        simulation: Regions, dates, clouds and mines.
        archive_folder: Work folder of the archive. One that was simulated with the same settings is used again.

    Returns:
        The settings of the simulation and a hash of its code; empty where the scenes come from somewhere else.

    Raises:
        BadInputError: The folder holds data that were not simulated, or regions are named for simulated scenes.
    """
    if acquisition.source != SIMULATION:
        logger.info("Scenes come from %s; nothing is simulated.", without_secrets(acquisition.source))
        return {}
    if acquisition.regions:
        raise BadInputError(
            "acquisition.regions says where scenes are wanted, but acquisition.source is the simulation, which has "
            "regions of its own: take --env=archive, or name another source."
        )
    simulate(archive_folder, simulation, progress_bar)
    record: dict[str, Any] = json.loads((archive_folder / RECORD).read_text(encoding="utf-8"))
    return record


def choose_scenes(
    acquisition: AcquisitionSettings,
    imagery: ChipSettings,
    compositing: CompositingSettings,
    simulated_series: dict[str, Any],
    archive_folder: Path,
) -> SceneSelection:
    """Search an archive for scenes of each region, by date and cloud cover, and list those that are to be used.

    Args:
        acquisition: Names archive, regions and dates. A simulated archive says itself which regions it holds.
        imagery: Names the bands.
        compositing: Names the mask of clouds.
        simulated_series: Settings of the simulated archive; empty if there is none.
        archive_folder: Where the simulated archive lies.

    Returns:
        The scenes of each region, and those that were left out with the reason.
    """
    archive = acquisition.of_archive(archive_folder) if simulated_series else acquisition
    return search(archive, imagery.bands, compositing.mask, progress_bar)


def reach_scenes(chosen_scenes: SceneSelection, acquisition: AcquisitionSettings) -> AssetRequest:
    """Leave out scenes whose files do not answer; fetch the files if they are to be kept."""
    return AssetRequest(chosen_scenes, acquisition)


def list_scenes(scenes: SceneSelection) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List the scenes for people, and those that were left out, with the reason."""
    table = scenes.table()
    for region, part in table.groupby("region"):
        logger.info("%s: %d scenes of %d days.", region, len(part), part["datetime"].str[:10].nunique())
    return table, scenes.left_out
