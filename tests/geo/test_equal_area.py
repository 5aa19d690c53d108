"""Hectares are those of the ground, in every corner of a scene."""

from functools import partial

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.transform import from_origin

from mining_the_mines.geo.equal_area import EqualAreaGrid
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.geo.mine_polygons import place_pixels


@pytest.mark.parametrize(
    ("code", "transform", "width", "share"),
    [
        (32721, from_origin(300_000, 9_400_000, 10, 10), 10_980, 2e-7),
        (4326, from_origin(-60, 65, 1e-4, 1e-4), 50_000, 7e-7),
    ],
    ids=["UTM", "degrees"],
)
def test_error_of_straight_edges(code: int, transform: Affine, width: int, share: float) -> None:
    ground = EqualAreaGrid(ChipGrid(CRS.from_epsg(code), transform, width, width))
    corner = width - 1000
    squares = shapely.box([0, corner, 0, corner], [0, 0, corner, corner], [1000, width] * 2, [1000, 1000, width, width])
    placed = partial(place_pixels, transform)
    drawn = ground.measure(shapely.transform(squares, placed))
    true = ground.measure(shapely.transform(shapely.segmentize(squares, 5), placed))
    assert np.abs(drawn / true - 1).max() < share


def test_range_of_pixels() -> None:
    transform = from_origin(-60, 10, 1e-3, 1e-3)
    ground = EqualAreaGrid(ChipGrid(CRS.from_epsg(4326), transform, 5_000, 60_000))
    rows = np.arange(0, 60_000, 7)
    left = np.full(len(rows), 40)
    pixels = shapely.box(left, rows, left + 1, rows + 1)
    hectares = ground.measure(shapely.transform(pixels, partial(place_pixels, transform)))
    smallest, largest = ground.pixel_range
    assert smallest <= hectares.min()
    assert hectares.max() <= largest
