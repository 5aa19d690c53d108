"""Polygons of mines as files that a GIS opens."""

from collections.abc import Collection
from importlib.resources import files
from pathlib import Path
from typing import Final

import geopandas as gpd

from mining_the_mines.geo.geopackage import add_style, write_layer
from mining_the_mines.geo.polygon_files import with_one_type, write_geojson, write_geoparquet
from mining_the_mines.mapping.settings import Format

#: Name of the layer in the GeoPackage, and of the files.
MINES: Final = "mines"
#: Meaning of the columns of a map.
MEANINGS: Final = {
    "id": "number of the mine in this map, the largest first",
    "area_ha": "hectares on the WGS 84 ellipsoid",
    "mean_probability": "mean probability of a mine over its pixels, 0 to 1",
    "max_probability": "highest probability of a mine among its pixels, 0 to 1",
    "confidence": "high, medium or low",
    "clear_dates": "median number of cloudless dates behind its pixels",
    "first_date": "first date of the images, UTC",
    "last_date": "last date of the images, UTC",
    "model": "model that found it",
    "model_version": "version of the model",
    "scene": "scene that it was found in",
    "lineage_id": "argument of kedro lineage that reports where it comes from",
    "longitude": "of its centroid, degrees of WGS 84",
    "latitude": "of its centroid, degrees of WGS 84",
    "touches_edge": "it may go on where the scene ends or has no data",
    "novelty": "percentile of the distance of its ground from the training chips; from 99 unlike anything learnt from",
    "concession": "concessions that it lies in, the one with the largest part first",
    "outside_concessions_ha": "hectares outside every concession",
    "protected_area": "protected areas that it lies in, the one with the largest part first",
    "protected_ha": "hectares in protected areas",
    "review": "it deserves a look: more than a little of it lies where mining is not allowed",
}


def write_mines(mines: gpd.GeoDataFrame, folder: Path, formats: Collection[Format]) -> tuple[Path, ...]:
    """Write a map of mines; the same mines give the same bytes.

    All geometries become multipolygons, since a layer has one type. Without mines the files are valid and empty, with
    all columns and their types (GeoJSON has none).

    Args:
        mines: Polygons with their attributes.
        folder: Existing folder, which the caller makes appear whole.
        formats: ``gpkg``: ``mines.gpkg`` with a layer ``mines``, a spatial index, and a style that QGIS applies by
            itself. ``parquet``: ``mines.parquet``, GeoParquet 1.1 with a box for each feature, so that readers can
            skip. ``geojson``: ``mines.geojson`` as in RFC 7946, in degrees of WGS 84 with 7 digits (a centimetre).

    Returns:
        The files, in the order given here.

    Raises:
        OSError: A file can't be written, as on a full disk.
    """
    table = with_one_type(mines)
    writers = {"gpkg": _write_geopackage, "parquet": write_geoparquet, "geojson": write_geojson}
    paths = []
    for name, write in writers.items():
        if name in formats:
            path = folder / f"{MINES}.{name}"
            write(table, path)
            paths.append(path)
    return tuple(paths)


def _write_geopackage(mines: gpd.GeoDataFrame, path: Path) -> None:
    """Write the layer, and a style that fills mines by confidence and draws those to be reviewed with a red rim.

    Yellow is high confidence, sky blue medium, pink low: colours of Okabe and Ito, *Color Universal Design* (2008), the
    last a little lightened.
    """
    meanings = {column: MEANINGS[column] for column in mines.columns if column in MEANINGS}
    # Version 1.4 would make GDAL before 3.7, and with it QGIS, warn.
    write_layer(mines, path, MINES, meanings, SPATIAL_INDEX="YES", VERSION="1.3")
    qml, sld = (files(__package__).joinpath(f"mines.{kind}").read_text(encoding="utf-8") for kind in ("qml", "sld"))
    add_style(path, MINES, qml, sld, "Mines by confidence, with their hectares")
