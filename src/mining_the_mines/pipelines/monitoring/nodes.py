"""Nodes of monitoring that make the maps of each period."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.progress_bars import counting_bar, progress_bar
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.mapping.plan import PermitFile, PermitFiles
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.mapping.settings import MappingSettings
from mining_the_mines.models.predictor import Predictor
from mining_the_mines.monitoring.period_composites import composite_periods
from mining_the_mines.monitoring.period_maps import (
    PlannedMaps,
    Prepared,
    as_regions,
    map_periods,
    periods_of_paths,
    plan_periods,
    scenes_of_composites,
)
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.period_scenes import SceneRequest, choose_regions, select_periods
from mining_the_mines.monitoring.period_settings import PeriodSceneSettings, PeriodSettings
from mining_the_mines.monitoring.period_table import tabulate_periods
from mining_the_mines.monitoring.periods import Period
from mining_the_mines.pipelines.acquisition.nodes import SIMULATION
from mining_the_mines.pipelines.mapping.nodes import Permits, choose_permits, prepare_scenes, stored_model
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.scenes.download import check_assets, download_assets
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.sentinel2.csmask import require_csmask
from mining_the_mines.simulation import ChangingSeriesSettings
from mining_the_mines.simulation import simulate_changing_archive as simulate


def simulate_changing_archive(
    acquisition: AcquisitionSettings,
    wanted: PeriodSceneSettings,
    simulation: ChangingSeriesSettings,
    archive_folder: Path,
) -> dict[str, Any]:
    """Simulate scenes of ground that changes, where ``acquisition.source`` is the simulation.

    Args:
        acquisition: Source of the scenes.
        wanted: Rasters that a person names; nothing is simulated beside them.
        simulation: Regions, seasons, mines and other changes.
        archive_folder: Work folder of the archive. An archive of the same settings and code is kept.

    Returns:
        Settings of the simulation and a hash of its code; empty for any other source.

    Raises:
        BadInputError: The folder holds data that were not simulated.
    """
    if acquisition.source != SIMULATION or wanted.paths:
        return {}
    return simulate(archive_folder, simulation, progress_bar)


def request_period_scenes(
    acquisition: AcquisitionSettings,
    imagery: ChipSettings,
    compositing: CompositingSettings,
    wanted: PeriodSceneSettings,
    changing_series: dict[str, Any],
    archive_folder: Path,
    test_regions: Sequence[Mapping[str, Any]] | None,
) -> SceneRequest:
    """Settle which regions are watched, and which scenes of an archive show them.

    Args:
        acquisition: Archive, and limits of cloud cover.
        imagery: Bands that a scene must have.
        compositing: Cloud mask that a scene must have, or bands that it is computed from.
        wanted: Regions to watch.
        changing_series: Settings of the simulated archive; empty if there is none.
        archive_folder: Folder of the simulated archive.
        test_regions: Regions that no model has seen, which are watched by default.

    Returns:
        The request, without regions if a person names rasters of their own.

    Raises:
        BadInputError: The archive has no such region.
    """
    access = acquisition.of_archive(archive_folder) if changing_series else acquisition
    if compositing.clear_sky.source != "scl" and not wanted.paths:
        require_csmask()  # before an archive is asked for hours
    unseen = {region["region"] for region in test_regions or () if not region["seen"]}
    return SceneRequest(
        access,
        () if wanted.paths else choose_regions(access, wanted.regions, unseen),
        compositing.archive_bands(imagery.bands),
        compositing.archive_mask,
        compositing.optional_bands,
        changing_series,
    )


def select_period_scenes(
    period_request: SceneRequest,
    periods: PeriodSettings,
    wanted: PeriodSceneSettings,
    scene_folder: Path,
    scene_assets: Path,
) -> tuple[PeriodResult[SceneSelection], ...]:
    """Select the scenes of each period, and look for their files.

    Args:
        period_request: Scenes that are wanted of an archive.
        periods: Periods of the series.
        wanted: Periods to search again, and rasters that a person names.
        scene_folder: Work folder of the lists of scenes; those of past periods are kept.
        scene_assets: Work folder for files of scenes that are kept.

    Returns:
        The scenes by period; none for all periods if a person names rasters of their own.

    Raises:
        SceneError: The archive does not answer, or no period has scenes.
    """
    if wanted.paths:
        return periods_of_paths(periods.periods, wanted.paths)
    access = period_request.access

    def check(selection: SceneSelection) -> SceneSelection:
        if access.keep_assets:
            return download_assets(selection, scene_assets, access, progress_bar)
        return check_assets(selection, access, progress_bar)

    def again(period: Period) -> bool:
        return wanted.search_again is True or period.name in (wanted.search_again or ())

    return select_periods(periods.periods, period_request, scene_folder, check, again, progress_bar)


def make_period_composites(
    period_scenes: tuple[PeriodResult[SceneSelection], ...],
    imagery: ChipSettings,
    compositing: CompositingSettings,
    acquisition: AcquisitionSettings,
    dask: DaskSettings,
    composite_folder: Path,
) -> tuple[PeriodResult[tuple[Composite, ...]], ...]:
    """Make a composite of each region and period; see :func:`composite_periods`."""
    return composite_periods(
        period_scenes, imagery.bands, compositing, acquisition, dask, composite_folder, counting_bar
    )


def prepare_periods(
    period_composites: tuple[PeriodResult[tuple[Composite, ...]], ...],
    wanted: PeriodSceneSettings,
    model: Predictor,
    compositing: CompositingSettings,
    acquisition: AcquisitionSettings,
    dask: DaskSettings,
    scene_composite_folder: Path,
) -> tuple[Prepared, ...]:
    """Prepare what is mapped in each period: the composites, or the rasters that a person names.

    Args:
        period_composites: Composites by period; none if rasters are named.
        wanted: The named rasters.
        model: The model; its bands are composited.
        compositing: Cloud mask and method of composites of named items.
        acquisition: Time limits and retries of archives.
        dask: Workers.
        scene_composite_folder: Folder for composites of named items and for mosaics.

    Returns:
        The scenes by period, named after their regions.

    Raises:
        BadInputError: A named raster does not exist.
    """
    if not wanted.paths:
        return scenes_of_composites(period_composites)
    results: list[Prepared] = []
    for each in period_composites:
        path = wanted.paths.get(each.period.name)
        if path is None:
            results.append(each.without(each.reason))
            continue
        if "://" not in path and not Path(path).exists():
            raise BadInputError(
                f"monitoring.scenes.paths.{each.period.name} is {path}, and there is no such file: correct it."
            )
        place = scene_composite_folder / each.period.name
        found = prepare_scenes((path,), model, compositing, acquisition, dask, place)
        results.append(PeriodResult(each.period, as_regions(found, path)))
    return tuple(results)


def choose_period_permits(
    wanted: PeriodSceneSettings,
    concessions: NamedAreas | None,
    protected_areas: NamedAreas | None,
    _period_scenes: tuple[PeriodResult[SceneSelection], ...],
) -> Permits:
    """Choose the layers that judge the mines: those of simulated ground judge no raster that a person names.

    Args:
        wanted: The named rasters, if any.
        concessions: Areas where mining is allowed, if known.
        protected_areas: Areas where it is not, if known.
        _period_scenes: Simulated areas exist only after these.

    Returns:
        The layers.
    """
    return choose_permits(wanted.paths, concessions, protected_areas)


def plan_period_maps(
    prepared_periods: tuple[Prepared, ...],
    model: Predictor,
    mapping: MappingSettings,
    imagery: ChipSettings,
    permits: Permits,
) -> tuple[PeriodResult[PlannedMaps], ...]:
    """Plan a map of each region and period, and check that they fit together; see :func:`plan_periods`."""
    files = PermitFiles(*map(PermitFile.of, permits))
    return plan_periods(prepared_periods, stored_model(model), mapping, files, imagery)


def make_period_maps(
    planned_maps: tuple[PeriodResult[PlannedMaps], ...],
    wanted: PeriodSceneSettings,
    dask: DaskSettings,
    map_folder: Path,
) -> tuple[PeriodResult[SceneMaps], ...]:
    """Map each region and period; see :func:`map_periods`."""
    keep = wanted.other_models == "keep"
    return map_periods(planned_maps, map_folder, dask, counting_bar, keep_other_models=keep)


def describe_periods(monitored_maps: tuple[PeriodResult[SceneMaps], ...]) -> pd.DataFrame:
    """Tabulate the dates that each period used, and how much of each region it saw."""
    return tabulate_periods(monitored_maps)
