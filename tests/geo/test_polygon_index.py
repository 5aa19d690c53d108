"""Polygons on chips, and how much of a chip they cover."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.transform import from_origin

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.geo.mine_polygons import read_mine_polygons
from mining_the_mines.geo.polygon_index import PolygonIndex, check_coverage, measure_cover
from support.chip_polygons import LEFT, TOP, degree_grid, outlines_in, square, utm_grid

GRID = utm_grid(16, 16)
FULL = np.zeros((16, 16), dtype=bool)


def test_polygons_on_a_chip(tmp_path: Path) -> None:
    shapes = [
        square(LEFT + 5_000, TOP, 50),
        square(LEFT + 20, TOP - 100, 50),
        square(LEFT - 30, TOP - 100, 50),
        square(LEFT + 160.5, TOP - 100, 50),  # its box in degrees meets the chip's, which is turned a little
    ]
    positions, polygons = PolygonIndex(outlines_in(tmp_path, shapes)).on(GRID)
    assert positions.tolist() == [1, 2]
    assert polygons[0].hausdorff_distance(shapes[1]) < 0.01


@pytest.mark.parametrize("epsg", [32760, 4326])
def test_polygons_on_a_chip_across_the_antimeridian(tmp_path: Path, epsg: int) -> None:
    """Whether the file has longitudes up to 360, or those of either side."""
    transform = from_origin(812_000, 8_150_000, 1000, 1000) if epsg == 32760 else from_origin(179.9, -16.6, 0.01, 0.01)
    grid = ChipGrid(CRS.from_epsg(epsg), transform, 20, 20)
    west, south, east, north = grid.bounds
    middle = shapely.Point((west + east) / 2, (south + north) / 2).buffer((east - west) / 4)
    polygons = outlines_in(tmp_path, [middle], f"EPSG:{epsg}")
    positions, shapes = PolygonIndex(polygons).on(grid)
    assert positions.tolist() == [0]
    assert shapes[0].hausdorff_distance(middle) < (east - west) / 1000
    assert measure_cover(PolygonIndex(polygons), grid, np.zeros((20, 20), dtype=bool)).whole == pytest.approx(
        0.196, abs=0.001
    )


def test_polygon_larger_than_its_projection(tmp_path: Path) -> None:
    polygons = outlines_in(tmp_path, [shapely.box(-150, -80, 30, 80)], crs="EPSG:4326")
    positions, shapes = PolygonIndex(polygons).on(GRID)
    assert positions.tolist() == [0]
    assert shapes[0].covers(shapely.box(*GRID.bounds))
    assert shapes[0].area < 4 * shapely.box(*GRID.bounds).area


@pytest.mark.parametrize(
    ("move", "hint"),
    [
        (lambda x, y: (x, -y), "with latitudes of the other sign they would meet, .* in the wrong hemisphere"),
        (lambda x, y: (-x, y), "with longitudes of the other sign they would meet"),
        (lambda x, y: (-x, -y), "with both coordinates of the other sign they would meet"),
        (lambda x, y: (y, x), "with latitude and longitude swapped they would meet"),
        (lambda x, y: (x + 20, y + 3), "check that they belong together"),
    ],
)
def test_elsewhere_with_a_hint(tmp_path: Path, move: object, hint: str) -> None:
    grid = degree_grid(16, 16)
    there = np.array(move(*shapely.box(*grid.bounds).centroid.coords[0]))  # type: ignore[operator]
    polygons = outlines_in(tmp_path, [shapely.Point(there).buffer(1e-4)], crs="EPSG:4326")
    with pytest.raises(BadInputError, match=hint) as caught:
        check_coverage(PolygonIndex(polygons), [grid])
    assert "mines.gpkg meets any chip: the polygons lie in longitude" in str(caught.value)
    assert "the chips in longitude -57.000 to -56.999 and latitude -5.401 to -5.400" in str(caught.value)


@settings(max_examples=10, deadline=None)
@given(left=st.floats(-80, 150), bottom=st.floats(-80, 150), edge=st.floats(1, 300))
def test_cover_is_geometric(tmp_path_factory: pytest.TempPathFactory, left: float, bottom: float, edge: float) -> None:
    shape = square(LEFT + left, TOP - 160 + bottom, edge)
    polygons = outlines_in(tmp_path_factory.mktemp("polygons"), [shape])
    cover = measure_cover(PolygonIndex(polygons), GRID, FULL)
    expected = shape.intersection(shapely.box(*GRID.bounds)).area / 160**2
    assert cover.visible == pytest.approx(expected, abs=1e-6)


def test_cover_counts_overlaps_once_and_hides_missing_data(tmp_path: Path) -> None:
    empty = FULL.copy()
    empty[:, :4] = True
    polygons = outlines_in(tmp_path, [square(LEFT, TOP - 80, 80), square(LEFT + 40, TOP - 80, 80)])
    cover = measure_cover(PolygonIndex(polygons), GRID, empty)
    assert cover.whole == pytest.approx(12 * 8 / 256, abs=1e-6)
    assert cover.visible == pytest.approx(8 * 8 / 256, abs=1e-6)


def test_cover_has_the_largest_kind(tmp_path: Path) -> None:
    squares = [((0, 40), 40), ((80, 40), 30), ((80, 120), 30), ((0, 160), 90)]
    shapes = [square(LEFT + x, TOP - y, edge) for (x, y), edge in squares]
    mines = gpd.GeoDataFrame({"kind": ["pit", "pond", "pond", None]}, geometry=shapes, crs="EPSG:32721")
    mines.to_file(tmp_path / "mines.gpkg", engine="pyogrio")
    polygons = read_mine_polygons(tmp_path / "mines.gpkg")
    assert polygons.kinds == ("pit", "pond", "pond", "")
    assert measure_cover(PolygonIndex(polygons), GRID, FULL).kind == "pond"
