"""Maps of many scenes as one Dask graph: bands of rows, then a last task a scene."""

import glob
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from distributed import Client, Future, as_completed
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

from mining_the_mines.core.atomic import put_back
from mining_the_mines.core.dask_client import DaskSettings, Refusal, attempt, connect, share
from mining_the_mines.core.errors import BadInputError, SceneError
from mining_the_mines.core.progress import Count, uncounted
from mining_the_mines.mapping.completion import PARTS, ScenePlan, finish_scene, finished_map, waiting_parts
from mining_the_mines.mapping.row_bands import BandPart, map_band
from mining_the_mines.mapping.scene_map import SceneMaps, UnmappedScene, open_maps, read_map, write_index
from mining_the_mines.rasters.chip import ChipError

logger = logging.getLogger(__name__)

#: Faults of one scene, which leave the others as they are.
SCENE_FAULTS: Final = (SceneError, ChipError)


def make_maps(
    plans: Sequence[ScenePlan],
    unmapped: Sequence[UnmappedScene],
    folder: Path,
    dask: DaskSettings,
    progress: Count = uncounted,
) -> SceneMaps:
    """Make the maps that are not there yet, and list them all.

    Args:
        plans: One a scene, each of another name.
        unmapped: Scenes for which there is no plan, with the reason; they are listed too.
        folder: Where to. A scene whose map is there, made from the same scene, model and settings, is left as it is; of
            one that was cut short, only missing bands of rows are made.
        dask: Where the work is done. Workers read scenes and write maps themselves: paths and figures travel, no
            pixels.
        progress: Shows how far the work is.

    Returns:
        The maps. A scene that can't be mapped is left out, with a warning, as long as there is another; so is one for
        which there is the map of another scene of its name.

    Raises:
        SceneError: If no scene can be mapped, or no scheduler answers.
        BadInputError: If the disk is full, or the folder can't be written to. Maps that were made before are listed.
    """
    _put_back(plans, folder)
    refused = [taken for plan in plans if (taken := _taken(plan, folder)) is not None]
    unmapped = [*unmapped, *refused]
    plans = [plan for plan in plans if plan.name not in {taken.scene for taken in refused}]
    waiting = [plan for plan in plans if finished_map(plan, folder) is None]
    try:
        failures = [*unmapped, *(_map_scenes(waiting, folder, dask, progress) if waiting else [])]
    except BadInputError as error:
        _list_what_is_done(plans, unmapped, folder, error)
        raise
    for failure in failures:
        logger.warning("%s is not mapped: %s", failure.scene, failure.reason)
    failed = {failure.scene for failure in failures}
    scenes = [plan.name for plan in plans if plan.name not in failed]
    if not scenes:
        raise SceneError(_nothing_mapped(failures))
    write_index(folder, scenes, failures)
    _tidy(plans, folder)
    return open_maps(folder)


def _taken(plan: ScenePlan, folder: Path) -> UnmappedScene | None:
    """Why a scene can't be mapped where another one of its name was."""
    found, source = read_map(folder, plan.name), plan.probability.scene.source
    if found is None:
        return None
    other = found.record.scene.source
    if source == other or Path(source).resolve() == Path(other).resolve():
        return None
    return UnmappedScene(
        plan.name,
        source,
        f"{found.folder} holds the map of {other}, which {source} would replace, for both are called {plan.name}: "
        "rename the scene, or remove that folder.",
    )


def _list_what_is_done(
    plans: Sequence[ScenePlan], unmapped: Sequence[UnmappedScene], folder: Path, error: BadInputError
) -> None:
    """List maps that were made before a run ended for a reason that is none of one scene's."""
    done = [plan.name for plan in plans if finished_map(plan, folder) is not None]
    if done:
        missing = [_unmapped(plan, error) for plan in plans if plan.name not in done]
        with suppress(BadInputError):  # on a full disk, there may be no room for the list either
            write_index(folder, done, [*unmapped, *missing])


def _nothing_mapped(failures: Sequence[UnmappedScene]) -> str:
    if len(failures) == 1:
        return failures[0].reason
    return f"None of {len(failures)} scenes can be mapped, the first for this reason: {failures[0].reason}"


def _put_back(plans: Sequence[ScenePlan], folder: Path) -> None:
    """Put maps back that a killed run was about to replace."""
    for plan in plans:
        for drafts in (folder / PARTS).glob(f"{glob.escape(plan.name)}-*"):
            put_back(folder / plan.name, drafts)


def _tidy(plans: Sequence[ScenePlan], folder: Path) -> None:
    """Remove parts and drafts that nothing will need, since scenes are mapped, or will be in another way."""
    names = {plan.name for plan in plans}
    current = {plan.parts(folder)[0].path.parent for plan in plans if finished_map(plan, folder) is None}
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
        graph = _Graph(client, folder)
        try:
            ends = {graph.add(plan, parts): plan for plan, parts in work}
            for _ in as_completed(graph.futures):
                advance()
            return list(_failures(ends))
        except FutureCancelledError as error:
            raise SceneError(
                f"The Dask scheduler went away in mid-run ({dask.address or 'of this machine'}): run again, what is "
                "finished is kept."
            ) from error
        finally:
            client.cancel(graph.futures)


class _Graph:
    """Tasks of all scenes.

    Args:
        client: Of the scheduler.
        folder: Where maps lie.
    """

    def __init__(self, client: Client, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self.futures: list[Future[Refusal | None]] = []

    def add(self, plan: ScenePlan, parts: Sequence[BandPart]) -> Future[Refusal | None]:
        """Add a scene; its last task, which gives why it could not be mapped, or nothing."""
        everywhere = share(self._client, plan)
        bands = [self._client.submit(attempt, map_part, everywhere, part, pure=False) for part in parts]
        end = self._client.submit(finish, everywhere, self._folder, bands, pure=False)
        self.futures += [*bands, end]
        return end


def map_part(plan: ScenePlan, part: BandPart) -> None:
    """Map a band of rows on a worker."""
    map_band(plan.probability, part)


def finish(plan: ScenePlan, folder: Path, bands: Sequence[Refusal | None]) -> Refusal | None:
    """Make a scene's map whole on a worker, unless one of its bands was refused."""
    refused = next((band for band in bands if band is not None), None)
    return refused if refused is not None else attempt(finish_scene, plan, folder)


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
            if not isinstance(refused.error, SCENE_FAULTS):
                raise refused.error
            yield _unmapped(plan, refused.error)


def _unmapped(plan: ScenePlan, error: BadInputError) -> UnmappedScene:
    return UnmappedScene(plan.name, plan.probability.scene.source, str(error))
