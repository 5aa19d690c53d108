"""Polygons and pictures lie where they should on a web map."""

import io
import math
from base64 import b64decode

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from rasterio.crs import CRS
from shapely.geometry import box

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.reporting.map_placing import (
    PlacedPicture,
    encode_polygons,
    middle_longitude,
    place_photograph,
    place_polygons,
    place_probability,
    place_surroundings,
)
from mining_the_mines.reporting.pictures import Stretch
from support.scene_layers import GRID, make_mines, make_probability, make_visible, named_box

FIJI = ChipGrid(CRS.from_epsg(32760), Affine(10, 0, 820_100, 0, -10, 8_188_300), 96, 96)
DEGREES = ChipGrid(CRS.from_epsg(4326), Affine(1e-4, 0, 15.0, 0, -1e-4, 61.0), 96, 96)
LAMBERT = ChipGrid(CRS.from_epsg(3035), Affine(20, 0, 5_300_000, 0, -20, 5_000_000), 96, 96)


def decoded(picture: PlacedPicture) -> NDArray[np.uint8]:
    """Red, green, blue and opacity, (H, W, 4)."""
    image = Image.open(io.BytesIO(b64decode(picture.uri.partition(",")[2])))
    return np.asarray(image.convert("RGBA"))


def drawn(polygons: NDArray[np.object_], picture: PlacedPicture, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels whose middle lies in a polygon, as a web map lays the picture over its bounds."""
    west, south, east, north = picture.bounds
    height, width = shape[:2]
    top, bottom = (math.asinh(math.tan(math.radians(edge))) for edge in (north, south))
    longitudes = west + (np.arange(width) + 0.5) / width * (east - west)
    northings = top + (np.arange(height) + 0.5) / height * (bottom - top)
    latitudes = np.degrees(np.arctan(np.sinh(northings)))
    x, y = np.meshgrid(longitudes, latitudes)
    covered: NDArray[np.bool_] = shapely.contains_xy(shapely.union_all(polygons), x, y)
    return covered


@pytest.mark.parametrize("grid", [GRID, FIJI, DEGREES, LAMBERT], ids=["utm", "antimeridian", "degrees", "lambert"])
def test_picture_lies_under_the_polygons(grid: ChipGrid) -> None:
    picture = place_probability(make_probability(grid), grid, 1000)
    pixels = decoded(picture)
    inside = drawn(place_polygons(make_mines(grid), middle_longitude(grid)), picture, pixels.shape)
    likely = pixels[..., 3] > 140
    assert inside.sum() > 300
    # Along the rims a pixel of the picture mixes several of the scene.
    assert (inside ^ likely).sum() < 0.5 * np.sqrt(inside.sum()) * 4 * len(make_mines(grid))
    assert (inside & likely).sum() > 0.9 * inside.sum()


def test_transparency() -> None:
    pixels = decoded(place_probability(make_probability(), GRID, 1000))
    assert pixels[4, 4, 3] == 0
    assert pixels[90, 90, 3] == 0
    shown = decoded(place_photograph(make_visible(), GRID, Stretch(0.0, 0.3), 1000))
    assert shown[5, 5, 3] == 0
    assert shown[60, 60, 3] == 255


def test_antimeridian() -> None:
    meridian = middle_longitude(FIJI)
    west, _, east, _ = place_photograph(make_visible(), FIJI, Stretch(0.0, 0.3), 1000).bounds
    assert west < 180 < east
    assert east - west < 0.02
    bounds = shapely.bounds(place_polygons(make_mines(FIJI), meridian))
    assert (bounds[:, 0] > west).all()
    assert (bounds[:, 2] < east).all()


def test_surroundings_are_clipped() -> None:
    wide = gpd.GeoDataFrame({"name": ["all"]}, geometry=[box(-70, -20, -40, 10)], crs="EPSG:4326")
    far = gpd.GeoDataFrame({"name": ["far"]}, geometry=[box(20, 40, 21, 41)], crs="EPSG:4326")
    areas = gpd.GeoDataFrame(pd.concat([wide, far, named_box("near", (5, 5, 70, 40))], ignore_index=True))
    rows, geometry = place_surroundings(areas, GRID)
    assert rows.tolist() == [0, 2]
    west, south, east, north = GRID.wgs84_bounds
    left, bottom, right, top = shapely.bounds(geometry[0]).tolist()
    assert left < west - (east - west) / 3 < east + (east - west) / 3 < right < -54
    assert bottom < south < north < top


def test_long_edges() -> None:
    # In UTM, the parallel between two points 200 km apart is bent by hundreds of metres.
    x, y = 500_000.0, 7_000_000.0
    grid = ChipGrid(CRS.from_epsg(32633), Affine(2000, 0, x - 100_000, 0, -2000, y + 100_000), 100, 100)
    area = gpd.GeoDataFrame(geometry=[box(x - 90_000, y - 90_000, x + 90_000, y)], crs="EPSG:32633")
    _, geometry = place_surroundings(area, grid)
    back = gpd.GeoSeries(geometry, crs="EPSG:4326").to_crs("EPSG:32633")[0]
    assert back.symmetric_difference(area.geometry[0]).area / area.geometry[0].length < 3


@given(st.lists(st.tuples(st.integers(-179_000_000, 179_000_000), st.integers(-80_000_000, 80_000_000)), min_size=3))
def test_precision_of_coordinates(points: list[tuple[int, int]]) -> None:
    exact = np.array([*points, points[0]]) / 1e6
    hole = exact + 1
    polygon = shapely.Polygon(exact, [hole])
    ((shell, inner),) = encode_polygons(np.array([polygon], dtype=object))[0]
    assert np.allclose(np.cumsum(np.reshape(shell, (-1, 2)), axis=0) / 1e6, exact[:-1], atol=1e-9)
    assert np.allclose(np.cumsum(np.reshape(inner, (-1, 2)), axis=0) / 1e6, hole[:-1], atol=1e-9)
