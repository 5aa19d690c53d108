"""Maps of each period: one grid a region, and one model."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.progress import Count, uncounted
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.mapping.plan import PermitFiles, ScenePlan, StoredModel
from mining_the_mines.mapping.scene_discovery import composite_scene
from mining_the_mines.mapping.scene_map import SceneMap, SceneMaps, UnmappedScene, read_map
from mining_the_mines.mapping.scene_maps import make_maps, plan_maps
from mining_the_mines.mapping.scene_preparation import PreparedScenes
from mining_the_mines.mapping.settings import MappingSettings
from mining_the_mines.monitoring.period_results import PeriodResult, require_any
from mining_the_mines.monitoring.periods import Period
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.scenes.scene_list import SceneSelection

logger = logging.getLogger(__name__)

#: Dataset of the maps, with which their lineage ids begin.
DATASET: Final = "monitored_maps"
#: Region of a raster that a person names for a period without a folder of regions.
ONLY_REGION: Final = "region"

Prepared = PeriodResult[PreparedScenes]


@dataclass(frozen=True)
class PlannedMaps:
    """Maps of a period that are to be made.

    Attributes:
        plans: One a region.
        unmapped: Scenes that can't be mapped.
    """

    plans: tuple[ScenePlan, ...]
    unmapped: tuple[UnmappedScene, ...] = ()


def scenes_of_composites(composites: Sequence[PeriodResult[tuple[Composite, ...]]]) -> tuple[Prepared, ...]:
    """Return the composites of each period as scenes to map."""
    return tuple(
        each.without(each.reason)
        if each.result is None
        else PeriodResult(each.period, PreparedScenes(tuple(map(composite_scene, each.result))))
        for each in composites
    )


def periods_of_paths(periods: Sequence[Period], paths: Mapping[str, str]) -> tuple[PeriodResult[SceneSelection], ...]:
    """Return the periods of a series for which a person names rasters: none has scenes of an archive.

    Raises:
        BadInputError: A raster is named for a period that does not exist.
    """
    names = [period.name for period in periods]
    unknown = sorted(set(paths) - set(names))
    if unknown:
        raise BadInputError(
            f"monitoring.scenes.paths names a raster for {unknown[0]}, which is no period of monitoring.periods "
            f"({', '.join(names)}): correct one of them."
        )
    for name in names:
        if name not in paths:
            logger.warning("Nothing is seen in the period %s: monitoring.scenes.paths names no raster of it.", name)
    reasons = {name: "" if name in paths else "monitoring.scenes.paths names no raster of it." for name in names}
    return tuple(PeriodResult(period, None, reasons[period.name]) for period in periods)


def as_regions(prepared: PreparedScenes, path: str) -> PreparedScenes:
    """Name scenes by their regions, which are the same in all periods.

    Args:
        prepared: The scenes that a person names for a period.
        path: Their path: a folder of rasters that are named after regions, or a single raster.
    """
    if Path(path).is_dir() or len(prepared.scenes) != 1:
        return prepared
    return replace(prepared, scenes=(replace(prepared.scenes[0], name=ONLY_REGION),))


def plan_periods(
    prepared: Sequence[Prepared],
    model: StoredModel,
    settings: MappingSettings,
    permits: PermitFiles,
    imagery: ChipSettings,
) -> tuple[PeriodResult[PlannedMaps], ...]:
    """Plan the maps of all periods, and check that they fit together.

    Args:
        prepared: Scenes by period, named after their regions.
        model: The model of all maps.
        settings: Settings of mapping.
        permits: Concessions and protected areas, if known.
        imagery: How to read the scenes; what it does not state is as in training.

    Returns:
        The plans by period; none for a period that can't be seen, with the reason.

    Raises:
        BadInputError: A region has another grid in one of the periods, or no period can be mapped.
    """
    results: list[PeriodResult[PlannedMaps]] = []
    for each in prepared:
        if each.result is None:
            results.append(each.without(each.reason))
            continue
        plans, unmapped = plan_maps(each.result, model, settings, permits, imagery)
        if plans:
            named = tuple(replace(plan, dataset=DATASET) for plan in plans)
            results.append(PeriodResult(each.period, PlannedMaps(named, tuple(unmapped))))
        else:
            reason = unmapped[0].reason if unmapped else "it has no scene."
            logger.warning("Nothing is seen in the period %s: %s", each.period.name, reason)
            results.append(each.without(reason))
    check_grids([(each.period, plan) for each in results if each.result for plan in each.result.plans])
    return require_any(results)


def map_periods(
    planned: Sequence[PeriodResult[PlannedMaps]],
    folder: Path,
    dask: DaskSettings,
    progress: Count = uncounted,
    *,
    keep_other_models: bool = False,
) -> tuple[PeriodResult[SceneMaps], ...]:
    """Make the maps of each period that are not there yet.

    Args:
        planned: Plans by period.
        folder: Folder of maps, with a sub-folder a period. A map of the same scene, model and settings is kept.
        dask: Workers.
        progress: Counts the tasks.
        keep_other_models: True to keep maps of the same pixels by an earlier model, and to compare them.

    Returns:
        The maps by period; none for a period that can't be seen, with the reason.

    Raises:
        BadInputError: A map can't be made, or the folder holds the map of another raster.
    """
    results: list[PeriodResult[SceneMaps]] = []
    for each in planned:
        if each.result is None:
            results.append(each.without(each.reason))
            continue
        place, planned_maps = folder / each.period.name, each.result
        kept = _find_other_models(each.period, planned_maps.plans, place, keep=keep_other_models)
        waiting = [plan for plan in planned_maps.plans if plan.name not in kept]
        made = (
            make_maps(waiting, planned_maps.unmapped, place, dask, progress)
            if waiting
            else SceneMaps((), planned_maps.unmapped)
        )
        by_name = kept | {found.name: found for found in made.maps}
        maps = tuple(by_name[plan.name] for plan in planned_maps.plans if plan.name in by_name)
        results.append(PeriodResult(each.period, replace(made, maps=maps)))
    return tuple(results)


def check_grids(plans: Sequence[tuple[Period, ScenePlan]]) -> None:
    """Refuse a region whose grid has changed from one period to another.

    Raises:
        BadInputError: There is one; the message names both periods and grids.
    """
    first: dict[str, tuple[Period, ChipGrid]] = {}
    for period, plan in plans:
        grid = plan.probability.grid
        earlier, known = first.setdefault(plan.name, (period, grid))
        if grid != known:
            raise BadInputError(
                f"The region {plan.name} has another grid in {period.name} ({_describe(grid)}) than in {earlier.name} "
                f"({_describe(known)}): give it one CRS (column epsg of acquisition.regions), or warp your rasters to "
                "one grid."
            )


def _find_other_models(period: Period, plans: Sequence[ScenePlan], folder: Path, *, keep: bool) -> dict[str, SceneMap]:
    """Find maps by an earlier model, and say so; none if they are to be made again."""
    earlier = {plan.name: found for plan in plans if (found := _of_other_model(plan, folder)) is not None}
    for plan in plans:
        if plan.name not in earlier:
            continue
        told = (plan.name, period.name, earlier[plan.name].record.facts.model_version, plan.facts.model_version)
        if keep:
            logger.warning(
                "The map of %s in the period %s is by %s and is compared with maps by %s, so a difference may be the "
                "models': monitoring.scenes.other_models=remap makes it again.", *told,
            )  # fmt: skip
        else:
            logger.info("The map of %s in the period %s is by %s, and is made again by %s.", *told)
    return earlier if keep else {}


def _of_other_model(plan: ScenePlan, folder: Path) -> SceneMap | None:
    """The map of the same pixels by another model, if there is one."""
    found = read_map(folder, plan.name)
    if found is None or found.record.model_hash == plan.probability.model.content_hash:
        return None
    return found if sorted(found.record.files.values()) == sorted(plan.files.values()) else None


def _describe(grid: ChipGrid) -> str:
    return f"{grid.crs.to_string()}, {grid.width} × {grid.height} pixels from {grid.bounds[0]:.0f} {grid.bounds[3]:.0f}"
