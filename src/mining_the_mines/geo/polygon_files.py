"""Polygons with attributes as GeoParquet and GeoJSON: the same polygons give the same bytes."""

import errno
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError
from shapely import GeometryType


def with_one_type(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make all geometries multipolygons, since a layer has one type, and give columns types that no values change."""
    shapes = table.geometry.to_numpy().copy()
    single = shapely.get_type_id(shapes) == GeometryType.POLYGON
    shapes[single] = shapely.multipolygons(shapes[single].reshape(-1, 1)) if single.any() else shapes[single]
    # A column of nothing but None has no type of its own.
    texts = {column: "str" for column in table.columns if table[column].dtype == np.dtype(object)}
    return table.set_geometry(gpd.GeoSeries(shapes, table.index, crs=table.crs)).astype(texts)


def write_geoparquet(table: gpd.GeoDataFrame, path: Path) -> None:
    """Write GeoParquet 1.1 with a box for each feature, so that readers can skip.

    Raises:
        OSError: The file can't be written, as on a full disk.
    """
    table.to_parquet(path, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True)


def write_geojson(table: gpd.GeoDataFrame, path: Path) -> None:
    """Write multipolygons as GeoJSON (RFC 7946), in degrees of WGS 84 with 7 digits (a centimetre).

    Raises:
        OSError: The file can't be written, as on a full disk.
    """
    options = {"layer": path.stem, "geometry_type": "MultiPolygon", "RFC7946": "YES"}
    try:
        pyogrio.write_dataframe(table, path, driver="GeoJSON", **options)
    except (DataSourceError, DataLayerError, FeatureError) as error:
        raise OSError(errno.EIO, f"{path.name} could not be written") from error
