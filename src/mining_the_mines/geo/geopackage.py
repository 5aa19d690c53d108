"""GeoPackages that are the same bytes whenever they are written, with a style that QGIS applies by itself."""

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

_STYLES: Final = "layer_styles"
_DATE: Final = "2000-01-01T00:00:00.000Z"
# A GeoPackage holds the dates of its changes; pyogrio's GDAL, which writes nothing else, gets a fixed one.
pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _DATE})


def write_layer(
    table: gpd.GeoDataFrame,
    path: Path,
    layer: str,
    descriptions: Mapping[str, str] | None = None,
    **options: str | bool,
) -> None:
    """Add a layer of multipolygons to a GeoPackage.

    Args:
        table: Polygons or multipolygons with attributes.
        path: GeoPackage, made if it is missing.
        layer: Name of the layer.
        descriptions: Meaning of columns, written to the metadata of the layer.
        options: Options of GDAL's driver for the layer, such as ``SPATIAL_INDEX``.

    Raises:
        OSError: The file can't be written, as on a full disk.
    """
    _write(table, path, layer=layer, geometry_type="MultiPolygon", promote_to_multi=True,
           layer_metadata=dict(descriptions) if descriptions else None, **options)  # fmt: skip


def add_style(path: Path, layer: str, qml: str, sld: str, description: str) -> None:
    """Add the default style of a layer, in the table that QGIS saves styles to (``layer_styles``).

    Args:
        path: GeoPackage without styles.
        layer: Name of the layer.
        qml: Style as QGIS writes it.
        sld: The same as a Styled Layer Descriptor, for other programs.
        description: Description of the style, for people.

    Raises:
        OSError: The file can't be written, as on a full disk.
    """
    style = {
        "f_table_catalog": "", "f_table_schema": "", "f_table_name": layer,
        "f_geometry_column": pyogrio.read_info(path, layer=layer)["geometry_name"], "styleName": layer,
        "styleQML": qml, "styleSLD": sld, "useAsDefault": True, "description": description, "owner": "",
        "update_time": pd.Timestamp(_DATE),
    }  # fmt: skip
    _write(pd.DataFrame([style]), path, layer=_STYLES, FID="id")


def _write(table: pd.DataFrame, path: Path, **options: object) -> None:
    try:
        pyogrio.write_dataframe(table, path, driver="GPKG", append=path.exists(), **options)
    except (DataSourceError, DataLayerError, FeatureError) as error:
        raise OSError(errno.EIO, f"the layer {options['layer']} could not be added to {path.name}") from error
