"""Grids for chips to lie on, and polygons in vector files to lie on them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from rasterio.crs import CRS
from rasterio.transform import Affine

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.packing import PackedChips, pack_in_memory
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.geo.mine_polygons import MinePolygons, read_mine_polygons
from mining_the_mines.rasters.chip import read_chip
from mining_the_mines.rasters.reader import RasterFormat
from support.chip_files import SIZE, write_chip

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


def outlines_in(folder: Path, shapes: Sequence[Any], crs: str | None = "EPSG:32721") -> MinePolygons:
    """Outlines as they are read from a file of these shapes."""
    return read_mine_polygons(write_layer(folder / "mines.gpkg", shapes, crs))


def write_chips(folder: Path, grids: Mapping[str, ChipGrid | None]) -> ChipFolder:
    """Write a chip a grid, different for each; those without a grid have no coordinates."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, grid) in enumerate(grids.items()):
        place = {} if grid is None else {"crs": grid.crs, "transform": grid.transform}
        height, width = (SIZE, SIZE) if grid is None else (grid.height, grid.width)
        pixels = np.random.default_rng(seed).uniform(0.02, 0.5, (2, height, width)).astype(np.float32)
        write_chip(folder / name, pixels, ("B4", "B8"), **place)
    return ChipFolder(folder)


def pack(folder: ChipFolder, empty: npt.NDArray[np.bool_] | None = None) -> PackedChips:
    """Pack all chips of a folder; where ``empty`` (height, width) says so, the second band of each has no data."""
    chips = [read_chip(folder.path(name), RasterFormat(bands=("B4", "B8"))).reflectance for name in folder.filenames]
    for chip in chips:
        if empty is not None:
            chip[1, empty] = np.nan
    return pack_in_memory(chips, folder.filenames, ("B4", "B8"))
