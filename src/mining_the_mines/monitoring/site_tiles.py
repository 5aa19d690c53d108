"""Sites as vector tiles in one file (PMTiles), for web maps."""

import errno
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

#: Name of the layer, here and in the GeoPackage, and of the files.
SITES: Final = "sites"
#: Deepest zoom: a unit of a tile is a metre there.
_DEEPEST: Final = 12
#: Bytes of a tile from which GDAL leaves out features, the smallest first; far more than its usual 500 000, since a
#: region with thousands of sites fits one tile of the first zooms.
_LARGEST: Final = 5_000_000
_COLUMNS: Final = (
    "site_id", "region", "period", "start", "end", "status", "confirmation", "hectares", "onset_after", "onset_by",
    "confidence", "review",
)  # fmt: skip


def write_tiles(sites: gpd.GeoDataFrame, path: Path) -> None:
    """Write a table of sites as PMTiles (version 3) of Mapbox vector tiles; the same table gives the same bytes.

    The layer ``sites`` holds two features per row: the outline, and a point inside it, since outlines of a few hectares
    vanish on maps of a country. Dates are texts (YYYY-MM-DD), which tiles have no other type for.

    Args:
        sites: Table of sites.
        path: The file; it is left out if there are no sites, since it can't be empty.

    Raises:
        OSError: The file can't be written, as on a full disk.
    """
    if sites.empty:
        return
    table = sites[[*_COLUMNS, "geometry"]].assign(review=sites["review"].astype("str").str.lower())
    for name in table.select_dtypes("datetime"):
        table[name] = table[name].dt.strftime("%Y-%m-%d")
    points = table.set_geometry(gpd.GeoSeries(shapely.point_on_surface(table.geometry), table.index, crs=sites.crs))
    options = {
        "dataset_options": {"MINZOOM": "0", "MAXZOOM": str(_DEEPEST), "NAME": SITES, "TYPE": "overlay",
                            "DESCRIPTION": "Sites of mines by period", "MAX_SIZE": str(_LARGEST)},
        "geometry_type": "Unknown",
    }  # fmt: skip
    try:
        pyogrio.write_dataframe(pd.concat([table, points]), path, driver="PMTiles", layer=SITES, **options)
    except (DataSourceError, DataLayerError, FeatureError) as error:
        raise OSError(errno.EIO, f"{path.name} could not be written") from error
