"""Nodes of acquisition."""

import logging
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.progress_bars import progress_bar
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.scenes import download, selection
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.sentinel2.csmask import require_csmask
from mining_the_mines.simulation import SeriesSettings
from mining_the_mines.simulation import simulate_archive as simulate

logger = logging.getLogger(__name__)

#: Value of ``acquisition.source`` for the simulated archive.
SIMULATION: Final = "simulation"


def simulate_archive(
    acquisition: AcquisitionSettings, simulation: SeriesSettings, archive_folder: Path
) -> dict[str, Any]:
    """Simulate a static STAC catalog of scenes, where ``acquisition.source`` is the simulation.

    Args:
        acquisition: Source of the scenes.
        simulation: Regions, dates, clouds and mines.
        archive_folder: Work folder of the archive. An archive of the same settings and code is kept.

    Returns:
        Settings of the simulation and a hash of its code; empty for any other source.

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
    return simulate(archive_folder, simulation, progress_bar)


def select_scenes(
    acquisition: AcquisitionSettings,
    imagery: ChipSettings,
    compositing: CompositingSettings,
    simulated_series: dict[str, Any],
    archive_folder: Path,
) -> SceneSelection:
    """Search an archive for scenes of each region by date and cloud cover, and select those to use.

    Args:
        acquisition: Archive, regions and dates. A simulated archive has regions of its own.
        imagery: Bands that a scene must have.
        compositing: Cloud mask that a scene must have, or bands that it is computed from.
        simulated_series: Settings of the simulated archive; empty if there is none.
        archive_folder: Folder of the simulated archive.

    Returns:
        The scenes of each region, and those left out with the reason.
    """
    archive = acquisition.of_archive(archive_folder) if simulated_series else acquisition
    if compositing.clear_sky.source != "scl":
        require_csmask()  # before an archive is asked for hours
    bands = compositing.archive_bands(imagery.bands)
    return selection.select_scenes(archive, bands, compositing.archive_mask, progress_bar, compositing.optional_bands)


def check_scenes(
    selected_scenes: SceneSelection, acquisition: AcquisitionSettings, scene_assets: Path
) -> tuple[SceneSelection, pd.DataFrame, pd.DataFrame]:
    """Leave out scenes whose files do not answer or are damaged; download the files if they are to be kept.

    Args:
        selected_scenes: The scenes.
        acquisition: Whether to keep files, and minimum number of days of a region.
        scene_assets: Work folder for files that are kept. Files that are there already are not downloaded again.

    Returns:
        The scenes that are left, the same as a table, and the table of scenes left out with the reason.
    """
    if acquisition.keep_assets:
        scenes = download.download_assets(selected_scenes, scene_assets, acquisition, progress_bar)
    else:
        scenes = download.check_assets(selected_scenes, acquisition, progress_bar)
    table = scenes.table()
    for region, part in table.groupby("region"):
        logger.info("%s: %d scenes of %d days.", region, len(part), part["datetime"].str[:10].nunique())
    if len(scenes.left_out):
        logger.info("%d scenes are left out; left_out_scenes lists the reasons.", len(scenes.left_out))
    return scenes, table, scenes.left_out
