"""Grids for chips to lie on, and polygons in vector files to lie on them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely
from rasterio.crs import CRS
from rasterio.transform import Affine

from mining_the_mines.chips.grid import ChipGrid

UTM = CRS.from_epsg(32721)
DEGREES = CRS.from_epsg(4326)
LEFT, TOP = 500_000.0, 9_400_000.0


def utm_grid(height: int, width: int, left: float = LEFT, top: float = TOP, edge: float = 10.0) -> ChipGrid:
    """A grid of 10 m pixels near the Tapajós, where mines are."""
    return ChipGrid(UTM, Affine(edge, 0, left, 0, -edge, top), width, height)


def degree_grid(height: int, width: int, west: float = -57.0, north: float = -5.4, edge: float = 9e-5) -> ChipGrid:
    """A grid of about 10 m pixels in degrees."""
    return ChipGrid(DEGREES, Affine(edge, 0, west, 0, -edge, north), width, height)


def square(left: float, bottom: float, edge: float) -> shapely.Polygon:
    """A square by its lower left corner."""
    return shapely.box(left, bottom, left + edge, bottom + edge)


def write_layer(path: Path, shapes: Sequence[Any], crs: str | None = "EPSG:32721", layer: str | None = None) -> Path:
    """Add a layer of shapes to a vector file."""
    frame = gpd.GeoDataFrame({"number": range(len(shapes))}, geometry=list(shapes), crs=crs)
    options = {"layer": layer} if layer else {}
    frame.to_file(path, engine="pyogrio", **options)
    return path
