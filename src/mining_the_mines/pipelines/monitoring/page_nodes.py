"""Node of the page of sites."""

from functools import partial

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mining_the_mines.assessment.verified_area import verified_sentences
from mining_the_mines.mapping.scene_map import SceneMap, SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.pipelines.mapping.nodes import Permits, named_frame
from mining_the_mines.reporting.interactive_map import InteractiveMapSettings
from mining_the_mines.reporting.site_page import SiteRegion, draw_site_page


def draw_sites(
    monitored_sites: gpd.GeoDataFrame,
    monitored_maps: tuple[PeriodResult[SceneMaps], ...],
    period_permits: Permits,
    area_estimates: pd.DataFrame | None,
    map_page: InteractiveMapSettings,
) -> str:
    """Draw all sites and periods on one interactive page, which opens without a network.

    Args:
        monitored_sites: The table of sites.
        monitored_maps: Maps by period; their scenes are shown in true colour.
        period_permits: Concessions and protected areas, if known.
        area_estimates: Estimated areas, of this run or of an earlier one; ``None`` if there are none yet.
        map_page: Contents of the pages with a map.

    Returns:
        The page.
    """
    maps: dict[str, dict[str, SceneMap]] = {}
    for each in monitored_maps:
        for found in each.result.maps if each.result else ():
            maps.setdefault(found.name, {})[each.period.name] = found
    side = map_page.picture_side(len(maps) * len(monitored_maps))
    areas = [named_frame(layer) for layer in period_permits]
    regions = [
        SiteRegion(region, next(iter(of_region.values())).grid, partial(_read, of_region, side), *areas)
        for region, of_region in maps.items()
    ]
    return draw_site_page(
        monitored_sites, [each.period for each in monitored_maps], regions, map_page, "Mines through time",
        [sentence for each in monitored_maps if each.result is not None for sentence in verified_sentences(
            area_estimates, {found.name: found.record.content_hash for found in each.result.maps}, each.period.name)],
    )  # fmt: skip


def _read(maps: dict[str, SceneMap], side: int, period: str) -> NDArray[np.float32] | None:
    return maps[period].picture(side)[0] if period in maps else None
