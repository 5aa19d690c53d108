"""Maps of mines as STAC items, so that catalogs and their tools find them.

STAC 1.1 with the extensions projection 2.0, raster 2.0, file 2.1, table 1.2 and processing 1.2; properties of our own
begin with ``mines:``.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, time
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pystac
import rasterio
import shapely
from rasterio.io import DatasetReader
from shapely import MultiPolygon, Polygon
from shapely.affinity import translate

from mining_the_mines.core.hashing import hash_file
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.geo.grid import Box, ChipGrid
from mining_the_mines.geo.mine_polygons import Coordinates, way_to_degrees
from mining_the_mines.mapping.attributes import MapFacts
from mining_the_mines.mapping.map_files import MEANINGS, MINES
from mining_the_mines.mapping.settings import Thresholds
from mining_the_mines.rasters.dates import FIRST_LIGHT

EXTENSIONS: Final = tuple(
    f"https://stac-extensions.github.io/{name}/v{number}/schema.json"
    for name, number in (
        ("projection", "2.0.0"),
        ("raster", "2.0.0"),
        ("file", "2.1.0"),
        ("table", "1.2.0"),
        ("processing", "1.2.0"),
    )
)
_RASTER: Final = "probability.tif"
#: Pieces of an edge of a footprint: straight edges between the corners of a scene of 110 km stray some metres from the
#: scene's own (L² tan(latitude) / 8R).
_PIECES: Final = 8
#: Files of a map beside its raster: key, title, media type and role.
_FILES: Final = MappingProxyType(
    {
        f"{MINES}.gpkg": ("mines", "Polygons of mines, with a style for QGIS", pystac.MediaType.GEOPACKAGE, "data"),
        f"{MINES}.parquet": ("mines-parquet", "Polygons of mines", pystac.MediaType.PARQUET, "data"),
        f"{MINES}.geojson": ("mines-geojson", "Polygons of mines in degrees", pystac.MediaType.GEOJSON, "data"),
        "novelty.tif": ("novelty", "Percentile of novelty of each window", pystac.MediaType.GEOTIFF, "data"),
        "quicklook.jpg": ("quicklook", "True colour with polygons of mines", pystac.MediaType.JPEG, "overview"),
        "map.json": ("record", "How the map was made", pystac.MediaType.JSON, "metadata"),
    }
)


def describe_map(
    folder: Path,
    mines: gpd.GeoDataFrame,
    facts: MapFacts,
    thresholds: Thresholds,
    source: str | None = None,
    image: Path | None = None,
) -> pystac.Item:
    """Describe the files of a map.

    Args:
        folder: Folder with ``probability.tif`` and any of ``mines.gpkg``, ``mines.parquet``, ``mines.geojson``,
            ``novelty.tif``, ``quicklook.jpg`` and ``map.json``.
        mines: The polygons.
        facts: Provenance of the map.
        thresholds: Thresholds of the polygons.
        source: Address or path of the scene; passwords and signatures are left out.
        image: Raster of the scene; its date counts if the scene has no dates.

    Returns:
        An item named after the scene; its assets are relative to the folder. Its time goes from the first to the last
        image; if these are unknown, from the first light of Sentinel-2A to the day of the scene's file, since no image
        is younger, so that a map that is made again has the same time.

    Raises:
        RasterioIOError: There is no raster.
        BadInputError: It can't be placed on the Earth.
    """
    with rasterio.open(folder / _RASTER) as raster:
        footprint = draw_footprint(ChipGrid(raster.crs, raster.transform, raster.width, raster.height))
        projection, bands = _projection(raster), _bands(raster)
    written = datetime.fromtimestamp((image or folder / _RASTER).stat().st_mtime, UTC).date()
    item = pystac.Item(
        id=facts.scene,
        geometry=shapely.geometry.mapping(footprint),
        bbox=list(footprint_box(footprint)),
        datetime=None,
        start_datetime=datetime.combine(facts.first_date or FIRST_LIGHT, time.min, UTC),
        end_datetime=datetime.combine(facts.last_date or written, time(23, 59, 59), UTC),
        stac_extensions=list(EXTENSIONS),
        properties={
            "title": f"Mines in {facts.scene}",
            "processing:software": {"mining_the_mines": version("mining_the_mines")},
            **projection,
            **_columns(mines),
            **_findings(mines),
            "mines:model": facts.model,
            "mines:model_version": facts.model_version,
            "mines:lineage_id": facts.lineage_id,
            "mines:seed_threshold": thresholds.seed,
            "mines:grow_threshold": thresholds.grow,
        },
    )
    item.add_asset(
        "probability",
        _asset(folder / _RASTER, "Probability of a mine", pystac.MediaType.COG, "data", projection | bands),
    )
    for name, (key, title, media_type, role) in _FILES.items():
        if (folder / name).is_file():
            item.add_asset(key, _asset(folder / name, title, media_type, role))
    if source is not None:
        item.add_link(pystac.Link(pystac.RelType.DERIVED_FROM, without_secrets(source)))
    return item


def write_item(item: pystac.Item, path: Path) -> None:
    """Write an item as JSON; the same item gives the same bytes.

    Args:
        item: Item of a map.
        path: File in the map's folder.
    """
    content = item.to_dict(include_self_link=False, transform_hrefs=False)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def draw_footprint(grid: ChipGrid) -> Polygon | MultiPolygon:
    """Return the footprint of a grid as a GeoJSON geometry (RFC 7946, sections 3.1.6 and 3.1.9).

    Args:
        grid: Grid of the map; no pole is in it.

    Returns:
        In degrees of WGS 84 with 7 digits, longitude first, counter-clockwise; in two parts if it lies across the
        antimeridian.

    Raises:
        BadInputError: The grid can't be placed on the Earth.
    """
    _, to_degrees = way_to_degrees(grid.crs.to_wkt(), "The grid of the map")
    degrees = to_degrees(_rim(grid))
    first = degrees[0, 0]
    degrees[:, 0] = first + (degrees[:, 0] - first + 180) % 360 - 180  # does not jump
    unbroken = Polygon(degrees)
    turns = (shapely.clip_by_rect(unbroken, west, -90, west + 360, 90) for west in (-540, -180, 180))
    parts = [
        Polygon(shapely.get_coordinates(translate(part, xoff=360 * turn)).round(7))
        for turn, part in zip((1, 0, -1), turns, strict=True)
        if part.area > 0
    ]
    oriented = [part if part.exterior.is_ccw else part.reverse() for part in parts]
    return oriented[0] if len(oriented) == 1 else MultiPolygon(oriented)


def footprint_box(footprint: Polygon | MultiPolygon) -> Box:
    """Return the bounding box of a footprint.

    Args:
        footprint: Footprint of :func:`draw_footprint`.

    Returns:
        West, south, east and north in degrees; across the antimeridian, west is greater than east (RFC 7946, section
        5.2).
    """
    west, south, east, north = footprint.bounds
    if isinstance(footprint, MultiPolygon):
        west, east = max(part.bounds[0] for part in footprint.geoms), min(part.bounds[2] for part in footprint.geoms)
    return west, south, east, north


def _rim(grid: ChipGrid) -> Coordinates:
    """Points along the grid's edges, in its own coordinates."""
    corners = [
        grid.transform @ corner for corner in ((0, grid.height), (grid.width, grid.height), (grid.width, 0), (0, 0))
    ]
    ends = np.roll(corners, -1, axis=0)
    rim: Coordinates = np.linspace(corners, ends, _PIECES, endpoint=False, axis=1).reshape(-1, 2)
    return rim


def _asset(path: Path, title: str, media_type: str, role: str, fields: Mapping[str, Any] | None = None) -> pystac.Asset:
    facts = {
        "file:size": path.stat().st_size,
        # A multihash: 0x12 stands for SHA-256, 0x20 for its 32 bytes.
        "file:checksum": f"1220{hash_file(path)}",
        **(fields or {}),
    }
    return pystac.Asset(f"./{path.name}", title=title, media_type=media_type, roles=[role], extra_fields=facts)


def _projection(raster: DatasetReader) -> dict[str, Any]:
    epsg = raster.crs.to_epsg()
    named = (
        {"proj:code": f"EPSG:{epsg}"}
        if epsg
        else {"proj:code": None, "proj:wkt2": raster.crs.to_wkt(version="WKT2_2019")}
    )
    return {**named, "proj:shape": [raster.height, raster.width], "proj:transform": list(raster.transform)[:6]}


def _bands(raster: DatasetReader) -> dict[str, Any]:
    nodata = raster.nodata
    band = {
        "name": "probability",
        "description": "Probability of a mine, 0 to 1",
        "data_type": raster.dtypes[0],
        # JSON knows no such number; STAC writes it so.
        "nodata": "nan" if nodata is not None and np.isnan(nodata) else nodata,
        "raster:scale": raster.scales[0],
        "raster:offset": raster.offsets[0],
    }
    return {"bands": [{name: value for name, value in band.items() if value is not None}]}


def _findings(mines: gpd.GeoDataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {"mines:count": len(mines), "mines:hectares": round(float(mines["area_ha"].sum()), 4)}
    if "review" in mines:
        found["mines:to_review"] = int(mines["review"].sum())
    return found


def _columns(mines: gpd.GeoDataFrame) -> dict[str, Any]:
    columns = [
        {"name": name, "type": str(mines[name].dtype)} | ({"description": MEANINGS[name]} if name in MEANINGS else {})
        for name in mines.columns
    ]
    return {
        "table:columns": columns,
        "table:primary_geometry": mines.geometry.name,
        "table:row_count": len(mines),
    }
