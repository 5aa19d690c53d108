"""The table of sites as files that a GIS opens."""

from pathlib import Path
from typing import Final

import geopandas as gpd
from jinja2 import Environment, PackageLoader, StrictUndefined

from mining_the_mines.geo.geopackage import add_style, write_layer
from mining_the_mines.geo.polygon_files import with_one_type, write_geoparquet
from mining_the_mines.reporting.pictures import css_colour
from mining_the_mines.reporting.status_colours import STATUS_COLOURS, STATUS_TITLES

#: Name of the layer in the GeoPackage and in tiles, and of the files.
SITES: Final = "sites"
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
