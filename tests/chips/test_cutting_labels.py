"""The share of a chip that is mine is that of its ground, not of its pixels."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_the_mines.chips.cutting_labels import cover_of
from mining_the_mines.geo.mine_polygons import read_mine_polygons
from mining_the_mines.geo.polygon_index import PolygonIndex
from support.chip_polygons import outlines_in, square, utm_grid
from support.composites import at

GRID = utm_grid(16, 16)
FULL = np.zeros((16, 16), dtype=bool)
GROUND = 160.0 * 160.0


@settings(max_examples=25, deadline=None)
@given(left=st.floats(-80, 150), bottom=st.floats(-80, 150), edge=st.floats(1, 300))
def test_a_square_covers_what_geometry_says(
    tmp_path_factory: pytest.TempPathFactory, left: float, bottom: float, edge: float
) -> None:
    x, y = at(0, 16)
    shape = square(x + left, y + bottom, edge)
    outlines = outlines_in(tmp_path_factory.mktemp("outlines"), [shape])
    cover = cover_of(PolygonIndex(outlines), GRID, FULL)
    expected = shape.intersection(shapely.box(*GRID.bounds)).area / GROUND
    assert cover.visible == pytest.approx(expected, abs=1e-6)


def test_ground_that_two_outlines_cover_counts_once(tmp_path: Path) -> None:
    outlines = outlines_in(tmp_path, [square(*at(0, 8), 80), square(*at(4, 8), 80)])
    cover = cover_of(PolygonIndex(outlines), GRID, FULL)
    assert cover.whole == pytest.approx(12 * 8 / 256, abs=1e-6)


def test_mines_where_data_are_missing_are_not_visible(tmp_path: Path) -> None:
    empty = FULL.copy()
    empty[:, :4] = True
    outlines = outlines_in(tmp_path, [square(*at(0, 8), 80)])
    cover = cover_of(PolygonIndex(outlines), GRID, empty)
    assert cover.whole == pytest.approx(64 / 256, abs=1e-6)
    assert cover.visible == pytest.approx(32 / 256, abs=1e-6)


def test_the_kind_with_the_most_ground_gives_the_kind(tmp_path: Path) -> None:
    shapes = [square(*at(0, 4), 40), square(*at(8, 4), 30), square(*at(8, 12), 30), square(*at(0, 16), 90)]
    mines = gpd.GeoDataFrame({"kind": ["pit", "pond", "pond", None]}, geometry=shapes, crs="EPSG:32721")
    mines.to_file(tmp_path / "mines.gpkg", engine="pyogrio")
    outlines = read_mine_polygons(tmp_path / "mines.gpkg")
    assert outlines.kinds == ("pit", "pond", "pond", "")
    assert cover_of(PolygonIndex(outlines), GRID, FULL).kind == "pond"


def test_outlines_that_only_come_near_leave_a_chip_clear(tmp_path: Path) -> None:
    for number, distance in enumerate((16.0, 16.01, 900)):
        (tmp_path / str(number)).mkdir()
        outlines = outlines_in(tmp_path / str(number), [square(*at(distance, 8), 50)])
        assert cover_of(PolygonIndex(outlines), GRID, FULL).whole == pytest.approx(0, abs=1e-9)
