"""The node of monitoring that joins mines of all periods into sites."""

import logging

import geopandas as gpd
import pandas as pd
import shapely

from mining_the_mines.mapping.scene_map import SceneMap, SceneMaps
from mining_the_mines.monitoring.period_map import PeriodMap
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.periods import Period
from mining_the_mines.monitoring.settings import ConfirmationSettings, SiteSettings
from mining_the_mines.monitoring.site_table import Confirmation, SiteStatus
from mining_the_mines.monitoring.sites import join_sites

logger = logging.getLogger(__name__)


def join_period_sites(
    monitored_maps: tuple[PeriodResult[SceneMaps], ...],
    known_sites: gpd.GeoDataFrame | None,
    sites: SiteSettings,
    confirmation: ConfirmationSettings,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Join the mines of all periods into sites that keep their ids.

    Args:
        monitored_maps: Maps by period.
        known_sites: The register of earlier runs; ``None`` in the first.
        sites: Joining and tolerances.
        confirmation: The rule of confirmation.

    Returns:
        The table of sites and the register of ids.

    Raises:
        BadInputError: The grid of a region changed.
    """
    joined = join_sites(period_maps(monitored_maps), sites, confirmation, known_sites)
    _report(joined.table)
    return joined.table, joined.register


def period_maps(monitored_maps: tuple[PeriodResult[SceneMaps], ...]) -> list[PeriodMap]:
    """Gather the map of each region in each period; a region without a map was not seen anywhere."""
    periods = [each.period for each in monitored_maps]
    maps = [(each.period, look) for each in monitored_maps if each.result for look in each.result.maps]
    found = {(look.name, period.name): _period_map(period, look) for period, look in maps}
    unseen = [_unseen(period, look) for look in {look.name: look for _, look in maps}.values() for period in periods]
    return [found.get((blind.region, blind.period.name), blind) for blind in unseen]


def _period_map(period: Period, look: SceneMap) -> PeriodMap:
    facts = look.record.facts
    return PeriodMap(
        region=look.name,
        period=period,
        mines=look.mines,
        grid=look.grid,
        seen=look.mapped_area,
        dates=look.record.scene.dates,
        model=facts.model,
        model_version=facts.model_version,
        lineage_id=facts.lineage_id,
        probability=look.probability,
        clear_dates=look.record.scene.clear_dates,
    )


def _unseen(period: Period, other: SceneMap) -> PeriodMap:
    return PeriodMap(other.name, period, other.mines.iloc[:0], other.grid, shapely.Polygon())


def _report(table: gpd.GeoDataFrame) -> None:
    """Log what the last period of each region shows."""
    last = table[table["end"] == table.groupby("region")["end"].transform("max")]
    for (region, period), rows in pd.DataFrame(last).groupby(["region", "period"], sort=True):
        status = rows["status"].value_counts()
        new = rows[rows["status"] == SiteStatus.NEW]
        logger.info(
            "%s in %s: %d sites; %d new of %.1f hectares, %d of them confirmed; %d grown, %d inactive, %d not seen, "
            "%d that wait for a second look",
            region, period, len(rows), len(new), new["hectares"].sum(),
            (new["confirmation"] == Confirmation.CONFIRMED).sum(), status.get(SiteStatus.GROWN, 0),
            status.get(SiteStatus.INACTIVE, 0), status.get(SiteStatus.NOT_SEEN, 0),
            status.get(SiteStatus.CANDIDATE, 0),
        )  # fmt: skip
