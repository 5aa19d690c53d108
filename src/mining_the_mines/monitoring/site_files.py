"""Files that sites are handed on in."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.geo.geopackage import add_style, write_layer
from mining_the_mines.geo.polygon_files import with_one_type, write_geojson, write_geoparquet
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring.alert_feed import FeedSettings, write_feed
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.site_kmz import write_kmz
from mining_the_mines.monitoring.site_pictures import draw_site_pictures, maps_by_period
from mining_the_mines.monitoring.site_tiles import SITES, write_tiles
from mining_the_mines.reporting.pictures import css_colour
from mining_the_mines.reporting.status_colours import STATUS_COLOURS, STATUS_TITLES

ALERTS: Final = "alerts"
UNITS: Final = "units.csv"
#: Meaning of the columns of the table of sites, for readers of the files.
MEANINGS: Final = {
    "site_id": "id of the site, which it keeps for ever",
    "region": "region that it lies in",
    "period": "name of the period",
    "start": "first day of the period",
    "end": "last day of the period",
    "first_date": "first date of the images, UTC",
    "last_date": "last date of the images, UTC",
    "status": "baseline (present on the first clear look), new, grown, unchanged, smaller, inactive or not_seen (too "
    "little clear ground; never a mine that is gone)",
    "confirmation": "provisional or confirmed, by what was known at the end of the period",
    "confirmed_by": "second_look, probability or neighbour",
    "hectares": "on the WGS 84 ellipsoid; 0 if inactive, missing if not seen",
    "change_hectares": "against the last period in which it was seen",
    "onset_after": "the mine began after this day; missing if its ground was never seen without it",
    "onset_by": "the mine began on this day at the latest",
    "probability": "mean probability of a mine over its pixels, 0 to 1",
    "peak_probability": "highest probability of a mine among its pixels, 0 to 1",
    "clear_share": "share of its ground with data in the period, 0 to 1",
    "joined": "sites that it has absorbed",
    "confidence": "high, medium or low",
    "concession": "concessions that it lies in, the one with the largest part first",
    "outside_concessions_ha": "hectares outside every concession",
    "protected_area": "protected areas that it lies in, the one with the largest part first",
    "protected_ha": "hectares in protected areas",
    "review": "it deserves a look: more than a little of it lies where mining is not allowed",
    "model": "model that found it",
    "model_version": "version of the model",
    "lineage_id": "argument of kedro lineage that reports where it comes from",
}


class SiteFileSettings(BaseModel):
    """Files that sites are handed on in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feed: FeedSettings = Field(default_factory=FeedSettings, description="The Atom feed of alerts.")
    pictures: int = Field(
        200,
        ge=0,
        description="Sites with pictures before and after in the KMZ, about 30 kB each: those of the latest events "
        "first, then the largest.",
    )


@dataclass(frozen=True)
class SiteFiles:
    """A folder of files of sites."""

    folder: Path


def write_site_files(
    sites: gpd.GeoDataFrame,
    alerts: gpd.GeoDataFrame,
    units: pd.DataFrame,
    maps: Iterable[PeriodResult[SceneMaps]],
    settings: SiteFileSettings,
    folder: Path,
) -> SiteFiles:
    """Write all files; the same input gives the same bytes.

    Args:
        sites: Table of sites.
        alerts: Alerts of :func:`mining_the_mines.monitoring.alerts.find_alerts`.
        units: Table of :func:`mining_the_mines.monitoring.unit_table.sites_by_unit`.
        maps: Maps by period, for pictures.
        settings: Feed and number of pictures.
        folder: Existing folder, which the caller makes appear whole.

    Returns:
        The folder: ``sites.gpkg``, ``sites.parquet``, ``sites.kmz``, ``sites.pmtiles`` (not without sites),
        ``alerts.csv``, ``alerts.geojson``, ``alerts.atom`` and ``units.csv``.

    Raises:
        OSError: A file can't be written, as on a full disk.
    """
    write_sites(sites, folder)
    write_tiles(sites, folder / f"{SITES}.pmtiles")
    write_kmz(sites, draw_site_pictures(sites, maps_by_period(maps), settings.pictures), folder / f"{SITES}.kmz")
    rounded = alerts.round({"hectares": 4, "change_hectares": 4})
    pd.DataFrame(rounded.drop(columns="geometry")).to_csv(folder / f"{ALERTS}.csv", index=False)
    write_geojson(with_one_type(rounded), folder / f"{ALERTS}.geojson")
    (folder / f"{ALERTS}.atom").write_bytes(write_feed(sites, settings.feed))
    units.to_csv(folder / UNITS, index=False)
    return SiteFiles(folder)


def write_sites(sites: gpd.GeoDataFrame, folder: Path) -> tuple[Path, ...]:
    """Write a table of sites; the same table gives the same bytes.

    QGIS applies the style of the GeoPackage by itself: sites are filled by status, the rim of provisional ones is
    dashed, and that of sites to be reviewed is red. Its temporal controller shows each row in its period.

    Args:
        sites: As :func:`mining_the_mines.monitoring.site_table.site_table` makes it.
        folder: Existing folder, which the caller makes appear whole.

    Returns:
        ``sites.gpkg``, with a layer ``sites`` and a spatial index, and ``sites.parquet``, GeoParquet 1.1.

    Raises:
        OSError: A file can't be written, as on a full disk.
    """
    table = with_one_type(sites)
    geopackage, parquet = folder / f"{SITES}.gpkg", folder / f"{SITES}.parquet"
    # Version 1.4 would make GDAL before 3.7, and with it QGIS, warn. Arrow keeps flags that are partly missing.
    write_layer(table, geopackage, SITES, MEANINGS, SPATIAL_INDEX="YES", VERSION="1.3", use_arrow=True)
    add_style(geopackage, SITES, _style("qml"), _style("sld"), "Sites by status, through time")
    write_geoparquet(table, parquet)
    return geopackage, parquet


def _style(kind: str) -> str:
    styles = [
        {"status": status, "title": STATUS_TITLES[status], "colour": colour, "css": css_colour(colour)}
        for status, colour in STATUS_COLOURS.items()
    ]
    environment = Environment(loader=PackageLoader(__package__, "."), undefined=StrictUndefined, autoescape=True)
    return environment.get_template(f"{SITES}.{kind}.jinja").render(styles=styles) + "\n"
