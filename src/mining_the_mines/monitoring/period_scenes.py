"""Scenes of each period, selected once and kept."""

import json
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.errors import BadInputError, SceneError
from mining_the_mines.core.hashing import hash_values
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.monitoring.period_results import PeriodResult, require_any
from mining_the_mines.monitoring.periods import Period
from mining_the_mines.scenes.regions import Region, read_regions
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.search import SceneSource, open_source
from mining_the_mines.scenes.selection import TooFewScenesError, select_from
from mining_the_mines.scenes.settings import AcquisitionSettings

logger = logging.getLogger(__name__)

#: File of the kept scenes in a period's folder.
SCENES: Final = "scenes.json"
#: Days after which archives have a scene.
_DELIVERY: Final = timedelta(days=14)


@dataclass(frozen=True)
class SceneRequest:
    """Scenes that are wanted of an archive in every period.

    Attributes:
        access: Archive, regions, cloud cover and minimum number of days.
        regions: Regions to watch.
        bands: Bands that a scene must have.
        mask: Cloud mask that a scene must have, if any.
        optional: Further bands, of scenes that have them.
        archive: Record of a simulated archive; empty for any other.
    """

    access: AcquisitionSettings
    regions: tuple[Region, ...]
    bands: tuple[str, ...]
    mask: str | None
    optional: tuple[str, ...]
    archive: dict[str, Any]

    def hash_for(self, period: Period) -> str:
        """SHA-256 of everything that a person asks for."""
        settings = self.access.model_dump(
            mode="json", include={"source", "collection", "max_cloud_cover", "minimum_dates", "exclude", "keep_assets"}
        )
        if self.archive:
            settings["source"] = self.archive
        regions = [[region.name, *region.bounds, region.epsg] for region in self.regions]
        wanted = [self.bands, self.mask, self.optional]
        return hash_values([settings, regions, wanted, period.start.isoformat(), period.end.isoformat()])

    @cached_property
    def source(self) -> SceneSource:
        """The archive, opened when it is first asked."""
        return open_source(self.access, self.access.collection)

    def select(self, period: Period, progress: Progress = silent) -> SceneSelection:
        """Search the archive for the scenes of a period; see :func:`select_from`."""
        access = self.access.model_copy(update={"start": period.start, "end": period.end})
        return select_from(self.source, self.regions, self.bands, self.mask, access, progress, self.optional)


def choose_regions(
    access: AcquisitionSettings, asked: Sequence[str] | None, unseen: Collection[str]
) -> tuple[Region, ...]:
    """Choose the regions to watch.

    Args:
        access: Regions of the archive.
        asked: Names of those to watch; ``None`` for the regions that no model has seen.
        unseen: Names of these regions.

    Returns:
        The regions; all, if none is asked for and models have seen each of them.

    Raises:
        SceneError: The archive has no regions, or none of a name.
    """
    if access.regions is None:
        raise SceneError(
            "No region says where scenes are wanted: name a vector file in acquisition.regions, or name rasters of "
            "your own in monitoring.scenes.paths."
        )
    regions = read_regions(access.regions)
    unknown = sorted(set(asked or ()) - {region.name for region in regions})
    if unknown:
        names = ", ".join(region.name for region in regions)
        raise BadInputError(f"monitoring.scenes.regions names {unknown[0]}, but the archive's regions are {names}.")
    wanted = unseen if asked is None else asked
    return tuple(region for region in regions if region.name in wanted) or regions


def select_periods(
    periods: Sequence[Period],
    request: SceneRequest,
    folder: Path,
    check: Callable[[SceneSelection], SceneSelection],
    again: Callable[[Period], bool],
    progress: Progress = silent,
) -> tuple[PeriodResult[SceneSelection], ...]:
    """Select the scenes of each period; those of a past period are kept.

    Args:
        periods: The periods.
        request: Scenes that are wanted.
        folder: Work folder, with a sub-folder a period.
        check: Leaves out scenes whose files do not answer.
        again: Whether a period is to be searched anew.
        progress: Shows the regions that are searched.

    Returns:
        The scenes by period. A period without scenes of enough days has none, with the reason.

    Raises:
        SceneError: The archive does not answer, or no period has scenes.
    """
    results: list[PeriodResult[SceneSelection]] = []
    for period in periods:
        path, wanted = folder / period.name / SCENES, request.hash_for(period)
        found = None if again(period) else _kept(path, wanted)
        if found is not None:
            logger.info("%s: the scenes that were selected before are kept.", period.name)
            results.append(PeriodResult(period, found))
            continue
        try:
            selected = check(request.select(period, progress))
        except TooFewScenesError as error:
            logger.warning("Nothing is seen in the period %s: %s", period.name, error)
            results.append(PeriodResult(period, None, str(error)))
            continue
        _keep(path, selected, wanted, over=date.today() - _DELIVERY > period.end)
        results.append(PeriodResult(period, selected))
    return require_any(results)


def read_scenes(folder: Path) -> SceneSelection:
    """Read the scenes of a period from its folder.

    Raises:
        SceneError: They are missing or damaged.
    """
    try:
        written = json.loads((folder / SCENES).read_text(encoding="utf-8"))
        return SceneSelection.from_json(json.dumps(written["scenes"]), folder / SCENES)
    except (FileNotFoundError, json.JSONDecodeError, KeyError) as error:
        raise SceneError(f"{folder / SCENES} is missing or damaged: run the pipeline monitoring again.") from error


def _kept(path: Path, wanted: str) -> SceneSelection | None:
    """The scenes of an earlier run, if it asked for the same after the period was over."""
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        if written["request"] != wanted or not written["over"]:
            return None
    except (FileNotFoundError, json.JSONDecodeError, KeyError):
        return None
    return read_scenes(path.parent)


def _keep(path: Path, selection: SceneSelection, wanted: str, *, over: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    written = {"request": wanted, "over": over, "scenes": json.loads(selection.to_json(path))}
    with whole_file(path) as draft:
        draft.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
