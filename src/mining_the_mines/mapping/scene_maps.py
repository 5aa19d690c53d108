"""Maps of many scenes as one Dask graph: bands of rows, then a last task for each scene."""

import glob
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from distributed import Client, Future, as_completed
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.atomic import put_back
from mining_the_mines.core.dask_client import DaskSettings, Refusal, attempt, connect, share
from mining_the_mines.core.errors import BadInputError, SceneError, UnwritableError
from mining_the_mines.core.progress import Count, uncounted
from mining_the_mines.mapping.completion import finish_scene, finished_map, waiting_parts
from mining_the_mines.mapping.permits import touches
from mining_the_mines.mapping.plan import PARTS, BandPart, PermitFiles, ScenePlan, StoredModel, plan_scene
from mining_the_mines.mapping.row_bands import map_band
from mining_the_mines.mapping.scene_map import SceneMaps, UnmappedScene, read_map
from mining_the_mines.mapping.scene_preparation import PreparedScenes
from mining_the_mines.mapping.settings import MappingSettings
from mining_the_mines.rasters.scene import Scene

logger = logging.getLogger(__name__)


def plan_maps(
    prepared: PreparedScenes,
    model: StoredModel,
    settings: MappingSettings,
    permits: PermitFiles,
    imagery: ChipSettings | None = None,
) -> tuple[list[ScenePlan], list[UnmappedScene]]:
    """Plan the maps of scenes.

    Args:
        prepared: Scenes to map.
        model: The model.
        settings: Settings of mapping.
        permits: Layers to compare with; one without an area in a scene judges none of its mines.
        imagery: How to read the scenes; what it does not state, and all by default, is as in training.

    Returns:
        A plan for each scene that can be mapped, and the scenes that can't, with the reason.
    """
    plans: list[ScenePlan] = []
    unmapped = list(prepared.unmapped)
    for scene in prepared.scenes:
        try:
            plan = plan_scene(scene, model, settings, permits, imagery)
            plans.append(replace(plan, permits=_touching(permits, plan)))
        except BadInputError as error:
            unmapped.append(_unmapped(scene, error))
    return plans, unmapped


def _touching(permits: PermitFiles, plan: ScenePlan) -> PermitFiles:
    """The layers of which an area lies in the scene; of the others nobody knows whether they know the place."""
    files = {"concessions": permits.concessions, "protected_areas": permits.protected_areas}
    kept = dict(files)
    for (name, file), areas in zip(files.items(), permits.read(), strict=True):
        if file is not None and areas is not None and not touches(areas, plan.probability.grid):
            kept[name] = None
            logger.warning(
                "No area of %s lies in %s, so its mines are not compared with it: name a layer of that place with "
                "--params=%s=FILE.", file.path, plan.name, name,
            )  # fmt: skip
    return PermitFiles(**kept)


def make_maps(
    plans: Sequence[ScenePlan],
    unmapped: Sequence[UnmappedScene],
    folder: Path,
    dask: DaskSettings,
    progress: Count = uncounted,
) -> SceneMaps:
    """Make the maps that are not there yet.

    Args:
        plans: One a scene; no two have the same name.
        unmapped: Scenes without a plan, with the reason.
        folder: Folder of maps. A map of the same scene, model and settings is kept; of an interrupted one only the
            missing bands of rows are made.
        dask: Workers. They read scenes and write maps themselves: paths and figures travel, no pixels.
        progress: Counts the tasks.

    Returns:
        The maps. A scene that can't be mapped is left out with a warning, as long as there is another; so is a scene
        whose map would replace that of another scene of its name.

    Raises:
        SceneError: No scene can be mapped, or no scheduler answers.
        UnwritableError: The disk is full, or the folder can't be written to; finished maps stay.
    """
    _put_back(plans, folder)
    refused = [taken for plan in plans if (taken := _taken(plan, folder)) is not None]
    failures = [*unmapped, *refused]
    plans = [plan for plan in plans if plan.name not in {taken.scene for taken in refused}]
    waiting = [plan for plan in plans if finished_map(plan, folder) is None]
    if waiting:
        failures += _map_scenes(waiting, folder, dask, progress)
    for failure in failures:
        logger.warning("%s is not mapped: %s", failure.scene, failure.reason)
    failed = {failure.scene for failure in failures}
    maps = tuple(found for plan in plans if plan.name not in failed and (found := read_map(folder, plan.name)))
    if not maps:
        raise SceneError(_nothing_mapped(failures))
    _remove_leftovers(plans, folder)
    return SceneMaps(maps, tuple(failures))


def map_part(plan: ScenePlan, part: BandPart) -> None:
    """Map a band of rows on a worker."""
    map_band(plan.probability, part)


def finish(plan: ScenePlan, folder: Path, bands: Sequence[Refusal | None]) -> Refusal | None:
    """Complete the map of a scene on a worker, unless one of its bands was refused."""
    refused = next((band for band in bands if band is not None), None)
    return refused if refused is not None else attempt(finish_scene, plan, folder)


def _taken(plan: ScenePlan, folder: Path) -> UnmappedScene | None:
    """The reason not to map a scene where another scene of its name was mapped."""
    found, scene = read_map(folder, plan.name), plan.probability.scene
    if found is None:
        return None
    other = found.record.scene.source
    if scene.source == other or Path(scene.source).resolve() == Path(other).resolve():
        return None
    return UnmappedScene(
        plan.name,
        scene.source,
        f"{found.folder} holds the map of {other}, which {scene.source} would replace, for both are called "
        f"{plan.name}: rename the scene, or remove that folder.",
    )


def _nothing_mapped(failures: Sequence[UnmappedScene]) -> str:
    if len(failures) == 1:
        return failures[0].reason
    return f"None of {len(failures)} scenes can be mapped, the first for this reason: {failures[0].reason}"


def _put_back(plans: Sequence[ScenePlan], folder: Path) -> None:
    """Put maps back that a killed run was about to replace."""
    for plan in plans:
        for drafts in (folder / PARTS).glob(f"{glob.escape(plan.name)}-*"):
            put_back(folder / plan.name, drafts)


def _remove_leftovers(plans: Sequence[ScenePlan], folder: Path) -> None:
    """Remove parts and drafts of scenes that are mapped, or will be mapped from another plan."""
    names = {plan.name for plan in plans}
    current = {plan.parts_folder(folder) for plan in plans if finished_map(plan, folder) is None}
    for parts in (folder / PARTS).glob("*"):
        if parts not in current and parts.name.rpartition("-")[0] in names:
            shutil.rmtree(parts, ignore_errors=True)
    with suppress(OSError):  # parts of other scenes may be there
        (folder / PARTS).rmdir()


def _map_scenes(plans: Sequence[ScenePlan], folder: Path, dask: DaskSettings, progress: Count) -> list[UnmappedScene]:
    work = [(plan, waiting_parts(plan, folder)) for plan in plans]
    steps = sum(len(parts) + 1 for _, parts in work)
    title = f"Mapping {plans[0].name}" if len(plans) == 1 else f"Mapping {len(plans)} scenes"
    with connect(dask) as client, progress(steps, title) as advance:
        futures: list[Future[Refusal | None]] = []
        ends: dict[Future[Refusal | None], ScenePlan] = {}
        try:
            for plan, parts in work:
                tasks = _submit(client, plan, parts, folder)
                futures += tasks
                ends[tasks[-1]] = plan
            for _ in as_completed(futures):
                advance()
            return list(_failures(ends))
        except FutureCancelledError as error:
            raise SceneError(
                f"The Dask scheduler went away in mid-run ({dask.address or 'of this machine'}): run again, what is "
                "finished is kept."
            ) from error
        finally:
            client.cancel(futures)


def _submit(client: Client, plan: ScenePlan, parts: Sequence[BandPart], folder: Path) -> list[Future[Refusal | None]]:
    """Submit the tasks of a scene; the last one returns the reason why it could not be mapped, or nothing."""
    everywhere = share(client, plan)
    bands = [client.submit(attempt, map_part, everywhere, part, pure=False) for part in parts]
    return [*bands, client.submit(finish, everywhere, folder, bands, pure=False)]


def _failures(ends: dict[Future[Refusal | None], ScenePlan]) -> Iterator[UnmappedScene]:
    for future, plan in ends.items():
        try:
            refused = future.result()
        except KilledWorker:
            refused = Refusal(
                SceneError(
                    f"Workers died again and again while they mapped {plan.name}, as they do for want of memory: give "
                    "them more, or lower mapping.tiling.batch; what is finished is kept."
                )
            )
        if isinstance(refused, Refusal):
            if isinstance(refused.error, UnwritableError):
                raise refused.error
            yield _unmapped(plan.probability.scene, refused.error)


def _unmapped(scene: Scene, error: BadInputError) -> UnmappedScene:
    return UnmappedScene(scene.name, scene.source, str(error))
