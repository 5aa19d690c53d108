"""Tiny maps of a region in several periods, and a site on them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.periods import Period
from mining_the_mines.monitoring.site_table import SiteStatus
from mining_the_mines.rasters.scene import Scene
from support.scene_files import ground, make_here, plan_scene, store_model, write_scene
from support.sites import YEARS, site_row, square


def map_periods_here(folder: Path, periods: Sequence[Period] = YEARS[:2]) -> tuple[PeriodResult[SceneMaps], ...]:
    """Maps of the region ``north``, 400 metres a side, in a folder for each period, with composites beside them."""
    stored = store_model(folder / "model")
    results = []
    for seed, period in enumerate(periods):
        image = write_scene(folder / "composites" / period.name / "north.tif", ground(40, 40, seed))
        found = make_here(plan_scene(Scene("north", image, str(image)), stored), folder / "maps" / period.name)
        results.append(PeriodResult(period, SceneMaps((found,), ())))
    return tuple(results)


def northern_site(site_id: str = "north-0001") -> list[dict[str, Any]]:
    """A site in the middle of ``north`` in the first two years: there from the first look on, and grown since."""
    shared = {"region": "north", "onset_by": YEARS[0].start}
    before, after = square(-56.0941, -6.3339, 100), square(-56.0941, -6.3339, 150)
    return [
        site_row(YEARS[0], site_id, status=SiteStatus.BASELINE, geometry=before, **shared),
        site_row(YEARS[1], site_id, status=SiteStatus.GROWN, geometry=after, **shared),
    ]
