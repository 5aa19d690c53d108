"""Nodes of monitoring that hand sites on: alerts, tables by unit, files for other programs, and a catalog of maps."""

import logging
import uuid
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pystac

from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring.alerts import describe_alert, find_alerts
from mining_the_mines.monitoring.map_collection import collect_maps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.site_files import SiteFiles, SiteFileSettings
from mining_the_mines.monitoring.site_files import write_site_files as write_files
from mining_the_mines.monitoring.unit_table import sites_by_unit
from mining_the_mines.pipelines.mapping.nodes import Permits
from mining_the_mines.reporting.formatting import count

logger = logging.getLogger(__name__)

#: Alerts that the log names.
_NAMED = 10


def tell_alerts(monitored_sites: gpd.GeoDataFrame, earlier_sites: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Find new, newly confirmed and grown sites since the last run, and log them.

    Args:
        monitored_sites: Table of sites.
        earlier_sites: The table before it changed last; ``None`` in the first run, which tells of the last period.

    Returns:
        The alerts, a row each.
    """
    alerts = find_alerts(monitored_sites, earlier_sites)
    for alert in alerts.head(_NAMED).itertuples(index=False):
        logger.info("%s", describe_alert(alert))
    since = "the last run" if earlier_sites is not None else "the period before the last one"
    if alerts.empty:
        logger.info("No site is new, newly confirmed or grown since %s", since)
    else:
        counts = ", ".join(f"{number} {kind}" for kind, number in alerts["alert"].value_counts(sort=False).items())
        more = f"; {len(alerts) - _NAMED} more are in alerts.csv" if len(alerts) > _NAMED else ""
        logger.info("%s since %s: %s%s", count(len(alerts), "alert"), since, counts, more)
    return alerts


def sum_up_site_units(monitored_sites: gpd.GeoDataFrame, permits: Permits, units: NamedAreas | None) -> pd.DataFrame:
    """Sum up sites by unit and period: regions, concessions, protected areas, and areas that a person names."""
    return sites_by_unit(monitored_sites, *permits, units)


def write_site_files(
    monitored_sites: gpd.GeoDataFrame,
    alerts: gpd.GeoDataFrame,
    units: pd.DataFrame,
    monitored_maps: tuple[PeriodResult[SceneMaps], ...],
    files: SiteFileSettings,
    drafts: Path,
) -> SiteFiles:
    """Write the files that sites are handed on in.

    Args:
        monitored_sites: Table of sites.
        alerts: Alerts since the last run.
        units: Sites by unit and period.
        monitored_maps: Maps by period, for pictures.
        files: Settings of the feed and of pictures.
        drafts: Folder for the files until their dataset adopts them.

    Returns:
        The files, in a folder of their own below ``drafts``.
    """
    folder = drafts / f"site_files.{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    return write_files(monitored_sites, alerts, units, monitored_maps, files, folder)


def describe_monitored_maps(monitored_maps: tuple[PeriodResult[SceneMaps], ...]) -> pystac.Collection:
    """Describe the maps of all periods as a STAC collection."""
    return collect_maps(monitored_maps)
