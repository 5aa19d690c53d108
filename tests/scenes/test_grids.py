"""Grids of regions, and windows in the resolution that bands are stored in."""

from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rasterio.transform import Affine

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.grids import NativeGrid, parse_projection, region_grid
from mining_the_mines.sentinel2.resampling import RIM
from support.observed_requests import CORNER, EPSG, Observation, clear, flat, write_scene
from support.stac_catalogs import Scene
from support.stac_catalogs import region as ground

LEFT, TOP = CORNER


def region(left: float = LEFT, top: float = TOP, side: int = 96) -> GeoBox:
    return GeoBox((side, side), Affine(10, 0, left, 0, -10, top), f"EPSG:{EPSG}")


def renamed(item: pystac.Item, **names: str) -> pystac.Item:
    """The scene with assets by band."""
    plain = item.clone()
    plain.assets = {}
    for name, key in names.items():
        plain.add_asset(name, item.assets[key].clone())
    return plain


@pytest.fixture
def scene(tmp_path: Path) -> pystac.Item:
    seen = Observation({"blue": flat(1), "rededge1": flat(1, 48), "coastal": flat(1, 16)}, clear())
    return renamed(write_scene(tmp_path, "s", seen), B2="blue", B5="rededge1", B1="coastal")


@pytest.mark.parametrize(("band", "step"), [("B2", 10), ("B5", 20), ("B1", 60)])
def test_native_grid(scene: pystac.Item, band: str, step: int) -> None:
    assert NativeGrid.of([scene], band, region()).step == step
    shifted = NativeGrid.of([scene], "B1", region(LEFT + 20, TOP - 50))
    assert (shifted.left, shifted.top) == (LEFT, TOP)  # within a coarse pixel
    across = NativeGrid.of([scene], "B1", region(LEFT + 3))
    assert (across.step, across.left) == (10, LEFT + 3)


def test_other_zones(scene: pystac.Item, tmp_path: Path) -> None:
    there = renamed(write_scene(tmp_path, "t", Observation({"coastal": flat(1)}, clear(), epsg=32722)), B1="coastal")
    bare = renamed(write_scene(tmp_path, "b", Observation({"coastal": flat(1)}, clear())), B1="coastal")
    del bare.assets["B1"].extra_fields["proj:transform"]
    assert NativeGrid.of([bare, there, scene], "B1", region()).step == 60
    assert NativeGrid.of([bare, there], "B1", region()).step == 10


@given(
    step=st.sampled_from([10, 20, 60]),
    row=st.integers(0, 60),
    column=st.integers(0, 60),
    height=st.integers(1, 36),
    width=st.integers(1, 36),
    margin=st.sampled_from([0, 15, 40]),
)
def test_window(step: int, row: int, column: int, height: int, width: int, margin: int) -> None:
    native = NativeGrid(step, LEFT, TOP)
    fine = region()[row : row + height, column : column + width]
    window = native.window(fine, margin)
    rim = RIM if step > 10 else 0
    rows, columns = ((side - 2 * rim) * window.factor for side in window.grid.shape)
    # Each fine pixel, known by its place in the region.
    first_row = round((TOP - window.grid.transform.f) / 10) + rim * window.factor
    first_column = round((window.grid.transform.c - LEFT) / 10) + rim * window.factor
    places = np.add.outer(
        np.arange(first_row, first_row + rows) * 1000, np.arange(first_column, first_column + columns)
    )
    expected = np.add.outer(np.arange(row, row + height) * 1000, np.arange(column, column + width))
    np.testing.assert_array_equal(window.cut(places), expected)
    assert first_row * 10 <= row * 10 - margin + step
    assert (first_row + rows) * 10 >= (row + height) * 10 + margin


ZONE = 32721


def bare_scene(*without: str, **properties: Any) -> pystac.Item:
    """A scene whose assets lack some fields."""
    fields = Scene(properties=properties).item()
    for asset in fields["assets"].values():
        for field in without:
            del asset[field]
    return pystac.Item.from_dict(fields, href="/archive/item.json")


@pytest.mark.parametrize("properties", [{}, {"proj:epsg": None, "proj:code": f"EPSG:{ZONE}"}])
def test_zone_alone(properties: dict[str, Any]) -> None:
    grid = region_grid(ground(), [bare_scene("proj:transform", "proj:shape", **properties)])
    assert grid.crs == f"EPSG:{ZONE}"
    assert grid.transform.a == 10


def test_no_zone() -> None:
    silent = bare_scene("proj:transform", "proj:shape", **{"proj:epsg": None})
    with pytest.raises(SceneError, match=r"\(proj:code\): give the regions in a vector file with a column epsg"):
        region_grid(ground(), [silent])


@pytest.mark.parametrize("properties", [{"proj:epsg": None}, {"proj:epsg": 999_999}])
def test_transform_without_crs(properties: dict[str, Any]) -> None:
    with pytest.raises(SceneError, match=r"proj:code, proj:shape, proj:transform.*acquisition\.exclude"):
        parse_projection(bare_scene(**properties))
