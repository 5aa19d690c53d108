"""The ground of a map is told as GeoJSON wants it."""

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.transform import from_origin

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.geo.mine_polygons import LON_LAT, transformation
from mining_the_mines.mapping.footprint import draw_footprint, footprint_box


def grid(epsg: int, longitude: float, latitude: float, edge: float, pixels: int = 100) -> ChipGrid:
    """A grid about a point."""
    crs = CRS.from_epsg(epsg)
    ((x, y),) = transformation(LON_LAT, crs.to_wkt())(np.array([[longitude, latitude]]))
    half = edge * pixels / 2
    return ChipGrid(crs, from_origin(x - half, y + half, edge, edge), pixels, pixels)


def test_a_footprint_turns_counter_clockwise_and_has_seven_digits() -> None:
    footprint = draw_footprint(grid(32721, -57, -5, 10))
    assert isinstance(footprint, shapely.Polygon)
    assert footprint.exterior.is_ccw
    points = shapely.get_coordinates(footprint)
    assert np.array_equal(points, points.round(7))


def test_a_large_scene_keeps_its_bent_edges() -> None:
    scene = grid(32632, 6.5, 60, 1098)
    rim = shapely.segmentize(shapely.box(*scene.bounds), 1000)
    exact = shapely.transform(rim, transformation(scene.crs.to_wkt(), LON_LAT))
    assert draw_footprint(scene).hausdorff_distance(exact) < 2e-4  # degrees: some ten metres


def test_a_turned_grid_is_as_large_as_it_is() -> None:
    turned = ChipGrid(
        CRS.from_epsg(4326), Affine.translation(10, 50) @ Affine.rotation(30) @ Affine.scale(0.01), 10, 20
    )
    assert draw_footprint(turned).area == pytest.approx(0.02, rel=1e-5)


@pytest.mark.parametrize("longitude", [179.999, -179.999])
@pytest.mark.parametrize("epsg", [32601, 32660])
def test_a_footprint_is_cut_at_the_antimeridian(epsg: int, longitude: float) -> None:
    scene = grid(epsg, longitude, 10, 10)
    footprint = draw_footprint(scene)
    assert isinstance(footprint, shapely.MultiPolygon)
    assert footprint.is_valid
    west, _, east, _ = footprint_box(footprint)
    assert 179.9 < west < 180
    assert -180 < east < -179.9
    assert (east + 360 - west) == pytest.approx(1000 / 109_640, rel=0.05)  # metres in a degree at 10 degrees north
    assert all(part.exterior.is_ccw for part in footprint.geoms)


def test_degrees_beyond_the_antimeridian_are_brought_back() -> None:
    footprint = draw_footprint(ChipGrid(CRS.from_epsg(4326), from_origin(179.5, 10, 0.01, 0.01), 100, 100))
    assert footprint_box(footprint) == pytest.approx((179.5, 9, -179.5, 10))
