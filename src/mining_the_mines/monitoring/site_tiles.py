"""Sites as vector tiles in one file (PMTiles), for web maps."""

import errno
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import zxy_to_tileid
from pmtiles.writer import Writer
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

#: Name of the layer, here and in the GeoPackage, and of the files.
SITES: Final = "sites"
#: First zoom at which all rows are outlines.
ALL_OUTLINES: Final = 11
#: Deepest zoom, and units of a tile's side: a unit is 1.2 m there.
_DEEPEST: Final = 12
_EXTENT: Final = 8192
#: Metres of Web Mercator around the Earth, and pixels of a tile's side.
_WORLD: Final = 40_075_016.686
_PIXELS: Final = 256
#: Pixels from which an outline is drawn at the zooms before, and pixels of a cell whose other sites are one point.
_WIDE: Final = 4
_CELL: Final = 8
#: Bytes and features of a tile from which GDAL leaves out features: no map may lose sites.
_LIMIT: Final = str(2**30)
#: Columns that rows of one point share.
_SHARED: Final = ["region", "period", "start", "end", "status", "confirmation"]
_OWN: Final = ["site_id", "hectares", "onset_after", "onset_by", "confidence", "review"]


def write_tiles(sites: gpd.GeoDataFrame, path: Path) -> None:
    """Write a table of sites as PMTiles (version 3) of Mapbox vector tiles; the same table gives the same bytes.

    The layer ``sites`` holds an outline per row from zoom :data:`ALL_OUTLINES` on. At the zooms before, outlines of at
    least four pixels are kept, and a point stands for all other rows of a cell of eight pixels that share region,
    period, status and confirmation. It lies in the largest; ``sites`` is their number and ``hectares`` their sum. With
    every row, tiles of a country would be too large for a web map, and written in minutes. Dates are texts
    (YYYY-MM-DD), which tiles have no other type for.

    Args:
        sites: Table of sites.
        path: The file; it is left out if there are no sites, since it can't be empty.

    Raises:
        OSError: The file can't be written, as on a full disk.
    """
    if sites.empty:
        return
    table = sites[[*_SHARED, *_OWN, "geometry"]].assign(review=sites["review"].astype("str").str.lower(), sites=1)
    table["hectares"] = table["hectares"].round(4)
    for name in table.select_dtypes("datetime"):
        table[name] = table[name].dt.strftime("%Y-%m-%d")
    # In the coordinates of tiles, so that GDAL transforms nothing.
    table = table.to_crs("EPSG:3857")
    points = table.set_geometry(shapely.point_on_surface(table.geometry.to_numpy()), crs=table.crs)
    width = np.sqrt(table.geometry.area)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        drafts = [Path(folder) / f"{zoom}.pmtiles" for zoom in range(ALL_OUTLINES + 1)]
        for zoom, draft in enumerate(drafts[:-1]):
            pixel = _WORLD / _PIXELS / 2**zoom
            wide = width >= _WIDE * pixel
            _write_zooms(pd.concat([table[wide], _by_cell(points[~wide], _CELL * pixel)]), zoom, zoom, draft)
        _write_zooms(table, ALL_OUTLINES, _DEEPEST, drafts[-1])
        _join(drafts, path)


def _by_cell(points: gpd.GeoDataFrame, side: float) -> gpd.GeoDataFrame:
    """One point for all rows of a cell of so many metres that share region, period, status and confirmation."""
    cells = {"column": points.geometry.x // side, "row": points.geometry.y // side}
    key = [*_SHARED, *cells]
    placed = points.assign(**cells).sort_values("hectares", ascending=False, kind="stable")
    groups = placed.groupby(key, sort=False)
    placed["sites"] = groups["sites"].transform("sum")
    placed["hectares"] = groups["hectares"].transform("sum", min_count=1).round(4)
    largest = placed.drop_duplicates(key).drop(columns=list(cells))
    largest.loc[largest["sites"] > 1, [name for name in _OWN if name != "hectares"]] = None
    return largest


def _write_zooms(features: gpd.GeoDataFrame, first: int, last: int, path: Path) -> None:
    options = {"MINZOOM": str(first), "MAXZOOM": str(last), "EXTENT": str(_EXTENT), "MAX_SIZE": _LIMIT,
               "MAX_FEATURES": _LIMIT, "NAME": SITES, "TYPE": "overlay",
               "DESCRIPTION": "Sites of mines by period"}  # fmt: skip
    try:
        pyogrio.write_dataframe(
            features, path, driver="PMTiles", layer=SITES, dataset_options=options, geometry_type="Unknown"
        )
    except (DataSourceError, DataLayerError, FeatureError) as error:
        raise OSError(errno.EIO, f"{SITES}.pmtiles could not be written") from error


def _join(parts: Sequence[Path], path: Path) -> None:
    """Join archives of zooms that follow each other; the last one tells which fields the layer has."""
    with path.open("wb") as stream:
        writer = Writer(stream)
        for part in parts:
            with part.open("rb") as opened:
                source = MmapSource(opened)
                for place, tile in all_tiles(source):
                    writer.write_tile(zxy_to_tileid(*place), tile)
                header, metadata = Reader(source).header(), Reader(source).metadata()
        layers = [{**layer, "minzoom": 0} for layer in metadata["vector_layers"]]
        kept = {name: metadata[name] for name in ("name", "description", "type", "format")}
        writer.finalize(header | {"center_zoom": ALL_OUTLINES}, kept | {"vector_layers": layers})
