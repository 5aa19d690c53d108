"""Grids: their place, and the size of their pixels on the ground."""

from pathlib import Path

import pytest
from affine import Affine
from pyproj import Geod
from rasterio.crs import CRS
from rasterio.transform import from_origin

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid, pixel_hectares, pixel_metres, read_grid
from support.chip_files import ground, write_chip

UTM = CRS.from_epsg(32721)
DEGREES = CRS.from_epsg(4326)


def test_read_grid(tmp_path: Path) -> None:
    grid = read_grid(write_chip(tmp_path / "a.tif", ground(0), georeferenced=True))
    assert (grid.crs, grid.width, grid.height) == (UTM, 16, 16)
    assert grid.bounds == (500_000, 9_399_840, 500_160, 9_400_000)


def test_bounds_in_degrees() -> None:
    west, south, east, north = ChipGrid(UTM, from_origin(500_000, 9_400_000, 10, 10), 16, 16).wgs84_bounds
    assert west == pytest.approx(-57.0, abs=1e-6)  # the middle meridian of zone 21
    assert -5.5 < south < north < -5.4
    assert (east - west) * 111_320 == pytest.approx(160, rel=0.01)


def test_rotated_and_upside_down_grids() -> None:
    turned = ChipGrid(DEGREES, Affine.translation(10, 50) @ Affine.rotation(45) @ Affine.scale(0.1, 0.1), 10, 10)
    left, bottom, right, top = turned.bounds
    assert (right - left, top - bottom) == pytest.approx((2**0.5, 2**0.5))
    upside_down = ChipGrid(DEGREES, Affine(0.1, 0, 10, 0, 0.1, 50), 10, 10)
    assert upside_down.wgs84_bounds == pytest.approx((10, 50, 11, 51))


@pytest.mark.parametrize(("epsg", "edge", "hectares"), [(32721, 10, 0.01), (32721, 20, 0.04), (2263, 100, 0.0929034)])
def test_area_of_projected_pixels(epsg: int, edge: float, hectares: float) -> None:
    grid = ChipGrid(CRS.from_epsg(epsg), from_origin(500_000, 200_000, edge, edge), 64, 64)
    assert pixel_hectares(grid) == pytest.approx(hectares, rel=1e-5)


@pytest.mark.parametrize("latitude", [0.0, -15.0, 60.0])
def test_area_of_pixels_in_degrees(latitude: float) -> None:
    edge = 1e-4
    grid = ChipGrid(DEGREES, from_origin(-45, latitude + 50 * edge, edge, edge), 100, 100)
    geod = Geod(ellps="WGS84")
    across = geod.inv(-45, latitude, -45 + edge, latitude)[2]
    along = geod.inv(-45, latitude - edge / 2, -45, latitude + edge / 2)[2]
    assert pixel_hectares(grid) == pytest.approx(across * along / 10_000, rel=1e-4)


def test_missing_coordinates(tmp_path: Path) -> None:
    bare = write_chip(tmp_path / "bare.tif", ground(0))
    with pytest.raises(
        BadInputError, match=r"bare\.tif has no CRS and no geotransform, so that a polygon can't be laid"
    ):
        read_grid(bare)
    unplaced = write_chip(tmp_path / "unplaced.tif", ground(0), crs="EPSG:32721")
    with pytest.raises(BadInputError, match=r"unplaced\.tif has no geotransform, so that"):
        read_grid(unplaced)


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"none\.tif does not exist"):
        read_grid(tmp_path / "none.tif")
    (tmp_path / "broken.tif").write_bytes(b"II*\0")
    with pytest.raises(BadInputError, match=r"broken\.tif can't be read as a raster"):
        read_grid(tmp_path / "broken.tif")


def test_engineering_grid() -> None:
    local = CRS.from_wkt('LOCAL_CS["pit grid",UNIT["metre",1]]')
    grid = ChipGrid(local, from_origin(0, 100, 1, 1), 10, 10)
    with pytest.raises(BadInputError, match="can't be placed on the Earth"):
        _ = grid.wgs84_bounds
    with pytest.raises(BadInputError, match="can't be placed on the Earth"):
        pixel_hectares(grid)
    with pytest.raises(BadInputError, match="can't be placed on the Earth"):
        pixel_metres(grid)


def test_pixel_edges_on_the_ground() -> None:
    mercator = CRS.from_epsg(3857)
    north = 8_399_738  # 60 degrees
    measured = {
        pixel_metres(ChipGrid(UTM, from_origin(500_000, 9_400_000, 10, 20), 16, 16)): (10, 20),
        pixel_metres(ChipGrid(mercator, from_origin(0, north, 10, 10), 16, 16)): (5, 5),
        pixel_metres(ChipGrid(mercator, from_origin(0, 0, 10, 10), 16, 16)): (10, 10),
        pixel_metres(ChipGrid(DEGREES, from_origin(-57, 0, 9e-5, 9e-5), 16, 16)): (10, 10),
        pixel_metres(ChipGrid(DEGREES, from_origin(-57, 60, 9e-5, 9e-5), 16, 16)): (5, 10),
    }
    for metres, expected in measured.items():
        assert metres == pytest.approx(expected, rel=8e-3)
