"""A sample as files for a GIS and for programs in which people judge places."""

import io
import zipfile
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from mining_the_mines.geo.geopackage import write_layer
from mining_the_mines.geo.mine_polygons import LON_LAT

#: Name of the layer in the GeoPackage, and of the files.
SAMPLE: Final = "sample"
COLLECT_EARTH: Final = "collect_earth_online.csv"
ACATAMA: Final = "acatama.csv"
#: Meaning of columns that are not plain, for readers of the GeoPackage.
_MEANINGS: Final = {
    "place_id": "id of the place",
    "stratum": "stratum that it was drawn from",
    "draw": "rank in the random order of its stratum",
    "inclusion_probability": "probability that the pixel was drawn",
    "weight": "hectares that the place stands for",
    "map_class": "the map's answer: mine or no_mine",
    "probability": "probability of a mine in the map, 0 to 1",
    "mapped_hectares": "hectares of the mapped mine at the place",
    "stratum_hectares": "hectares of the stratum on the map",
    "lineage_id": "argument of kedro lineage that reports where the map comes from",
}
#: Time of all members of an archive, so that the same sample gives the same bytes.
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


def write_sample_files(sample: gpd.GeoDataFrame, folder: Path) -> tuple[Path, ...]:
    """Write a sample; the same sample gives the same bytes.

    The files for judging name neither stratum nor map class, so that answers are blind; ``place_id`` joins them to the
    sample. Places are numbered in the order of the sample's table.

    Args:
        sample: As :func:`mining_the_mines.assessment.drawing.draw_sample` makes it.
        folder: Existing folder, which the caller makes appear whole.

    Returns:
        ``sample.gpkg`` with all columns and the outlines of the pixels; ``collect_earth_online.csv``, plot centres with
        LON, LAT, PLOTID first, as Collect Earth Online wants them; ``acatama.csv``, points with an integer ``id``,
        which QGIS opens as a layer for AcATaMa; ``sample.kmz``, points with their ids.

    Raises:
        OSError: A file can't be written, as on a full disk.
    """
    numbers = pd.RangeIndex(1, len(sample) + 1)
    places = pd.DataFrame({"LON": sample["longitude"].round(7), "LAT": sample["latitude"].round(7)})
    plots = places.assign(PLOTID=numbers, PLACE_ID=sample["place_id"], PERIOD=sample["period"])
    points = places.rename(columns={"LON": "x", "LAT": "y"}).assign(id=numbers, place_id=sample["place_id"])
    write_layer(sample, folder / f"{SAMPLE}.gpkg", SAMPLE, _MEANINGS, SPATIAL_INDEX="YES", VERSION="1.3")
    plots.to_csv(folder / COLLECT_EARTH, index=False)
    points[["id", "x", "y", "place_id"]].to_csv(folder / ACATAMA, index=False)
    _write_kmz(sample, folder / f"{SAMPLE}.kmz")
    return tuple(folder / name for name in (f"{SAMPLE}.gpkg", COLLECT_EARTH, ACATAMA, f"{SAMPLE}.kmz"))


def _write_kmz(sample: gpd.GeoDataFrame, path: Path) -> None:
    points = gpd.GeoDataFrame(
        {"Name": sample["place_id"]}, geometry=shapely.points(sample["longitude"], sample["latitude"]), crs=LON_LAT
    )
    document = io.BytesIO()
    pyogrio.write_dataframe(points, document, driver="KML", layer=SAMPLE)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("doc.kml", _LONG_AGO), document.getvalue(), zipfile.ZIP_DEFLATED)
