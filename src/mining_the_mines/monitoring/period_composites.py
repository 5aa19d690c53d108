"""Composites of each period."""

import logging
from collections.abc import Sequence
from pathlib import Path

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.progress import Count, uncounted
from mining_the_mines.monitoring.period_results import PeriodResult, require_any
from mining_the_mines.scenes.cloud_masks import mask_clouds
from mining_the_mines.scenes.composite_files import Composite, NoCompositeError
from mining_the_mines.scenes.composites import make_composites, plan_composites
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.selection import TooFewScenesError
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings

logger = logging.getLogger(__name__)


def composite_periods(
    scenes: Sequence[PeriodResult[SceneSelection]],
    bands: Sequence[str],
    settings: CompositingSettings,
    access: AcquisitionSettings,
    dask: DaskSettings,
    folder: Path,
    progress: Count = uncounted,
) -> tuple[PeriodResult[tuple[Composite, ...]], ...]:
    """Make the composites of each period that are not there yet.

    Args:
        scenes: Scenes of each period; none at all where a person names rasters of their own.
        bands: Names of the bands, in the order wanted.
        settings: Cloud mask and method, the same for all periods, so that reflectance can be compared.
        access: Time limits, retries, and minimum number of days.
        dask: Where blocks are worked on.
        folder: Work folder, with a sub-folder a period; see :func:`make_composites` for what is kept.
        progress: Counts the blocks.

    Returns:
        The composites by period, one a region; none for a period that can't be seen, with the reason.

    Raises:
        SceneError: No period can be seen.
    """
    results: list[PeriodResult[tuple[Composite, ...]]] = []
    for each in scenes:
        if each.result is None:
            results.append(each.without(each.reason))
            continue
        place = folder / each.period.name
        try:
            masked = mask_clouds(each.result, settings, access, place, dask, progress)
            plans = plan_composites(masked, bands, settings, access, access.minimum_dates)
            results.append(PeriodResult(each.period, make_composites(plans, place, dask, progress)))
        except (TooFewScenesError, NoCompositeError) as error:
            logger.warning("Nothing is seen in the period %s: %s", each.period.name, error)
            results.append(each.without(str(error)))
    return require_any(results) if any(each.result for each in scenes) else tuple(results)
