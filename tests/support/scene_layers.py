"""Made-up scenes of an interactive map that look like those of a real run."""

from collections.abc import Sequence
from datetime import date

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from mining_the_mines.geo.grid import Box, ChipGrid
from mining_the_mines.reporting.interactive_map import SceneLayer
from support.reports import make_chip
from support.scene_maps import mines_of

SCENE, MODEL, VERSION = "tapajos", "segmenter", "3"
#: 960 m of ground a side, south of the equator.
GRID = ChipGrid(CRS.from_epsg(32721), Affine(10, 0, 680_000, 0, -10, 9_180_000), 96, 96)
#: Column, row, width and height of each mine, in pixels.
BOXES = ((10, 12, 20, 15), (50, 20, 12, 12), (30, 60, 8, 6))
CONFIDENCES = ("medium", "high", "low")


def make_mines(
    grid: ChipGrid = GRID,
    boxes: Sequence[tuple[int, int, int, int]] = BOXES,
    confidences: Sequence[str] = CONFIDENCES,
    scene: str = SCENE,
) -> gpd.GeoDataFrame:
    """Finished polygons, with all columns, each a box of pixels."""
    corners = [
        [(column, row), (column + width, row), (column + width, row + height), (column, row + height)]
        for column, row, width, height in boxes
    ]
    shapes = [shapely.Polygon([grid.transform @ corner for corner in ring]) for ring in corners]
    number = len(shapes)
    return mines_of(shapes, confidences, grid.crs.to_wkt(), scene).assign(
        area_ha=np.array([width * height / 100 for *_, width, height in boxes], dtype=np.float64),
        mean_probability=np.linspace(0.8, 0.6, number),
        max_probability=np.linspace(0.99, 0.9, number),
        clear_dates=np.full(number, 7.0),
    )


def with_permits(mines: gpd.GeoDataFrame, name: str = "Reserva do Rio Claro") -> gpd.GeoDataFrame:
    """The last is to be reviewed: half of it lies in a protected area."""
    last = np.arange(len(mines)) == len(mines) - 1
    compared = mines.copy()
    compared["concession"] = [None if final else "Serra Dourada" for final in last]
    compared["outside_concessions_ha"] = np.where(last, compared["area_ha"], 0.0)
    compared["protected_area"] = [name if final else None for final in last]
    compared["protected_ha"] = np.where(last, compared["area_ha"] / 2, 0.0)
    compared["review"] = last
    return compared


def make_visible(seed: int = 0, size: int = 96) -> NDArray[np.float32]:
    """Woods with a pit, and a corner without data."""
    visible = make_chip(seed, size, mine=True)
    visible[:, : size // 8, : size // 8] = np.nan
    return visible


def make_probability(grid: ChipGrid = GRID, boxes: Sequence[tuple[int, int, int, int]] = BOXES) -> NDArray[np.float32]:
    """0.9 in the mines, 0 elsewhere, and a corner without data."""
    probability = np.zeros((grid.height, grid.width), dtype=np.float32)
    for column, row, width, height in boxes:
        probability[row : row + height, column : column + width] = 0.9
    probability[:12, :12] = np.nan
    return probability


def make_thumbnail(box: Box) -> NDArray[np.float32]:
    """What lies in a box, read at 10 m."""
    left, _, right, _ = box
    return make_chip(1, max(8, round((right - left) / 10)), mine=True)


def named_box(name: str, box: tuple[int, int, int, int], grid: ChipGrid = GRID) -> gpd.GeoDataFrame:
    """An area with a name, in pixels of the grid, in degrees."""
    area = make_mines(grid, [box], ["high"])[["geometry"]].to_crs("EPSG:4326")
    area["name"] = name
    return area


def make_layer(
    mines: gpd.GeoDataFrame | None = None, scene: str = SCENE, area: str = "Reserva do Rio Claro"
) -> SceneLayer:
    """A scene with all that a map can show."""
    return SceneLayer(
        scene,
        MODEL,
        VERSION,
        GRID,
        with_permits(make_mines(scene=scene), area) if mines is None else mines,
        make_visible(),
        1.0,
        make_probability(),
        first_date=date(2024, 1, 8),
        last_date=date(2024, 9, 30),
        reference=make_mines(boxes=[(12, 14, 20, 15)], confidences=["high"])[["geometry"]],
        concessions=named_box("Serra Dourada", (5, 5, 70, 40)),
        protected=named_box(area, (25, 55, 10, 30)),
        thumbnail=make_thumbnail,
    )
