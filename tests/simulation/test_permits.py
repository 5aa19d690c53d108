"""Simulated concessions and protected areas."""

import json
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely

from mining_the_mines.simulation.permits import CONCESSIONS, PROTECTED_AREAS, write_permits
from support.simulated_regions import landscape


@pytest.fixture(scope="module")
def mines(default_grounds: Path) -> gpd.GeoDataFrame:
    """True mines of the default regions, in degrees."""
    return pyogrio.read_dataframe(default_grounds / "mines.gpkg")


@pytest.mark.parametrize("name", [CONCESSIONS, PROTECTED_AREAS])
def test_areas(default_grounds: Path, name: str) -> None:
    areas = pyogrio.read_dataframe(default_grounds / name)
    assert areas.crs.to_epsg() == 4326
    assert list(areas.columns) == ["name", "region", "geometry"]
    assert areas["name"].is_unique
    assert areas.geometry.is_valid.all()
    assert areas.groupby("region").size().between(1, 5).all()
    assert areas["region"].nunique() == 2


def test_mines_and_concessions(default_grounds: Path, mines: gpd.GeoDataFrame) -> None:
    allowed = pyogrio.read_dataframe(default_grounds / CONCESSIONS).union_all()
    share = shapely.area(shapely.intersection(mines.geometry, allowed)) / shapely.area(mines.geometry)
    assert (share > 0.999).sum() >= 4
    assert (share < 0.001).sum() >= 4
    assert ((share > 0.1) & (share < 0.9)).sum() >= 2


def test_protected_areas(default_grounds: Path, mines: gpd.GeoDataFrame) -> None:
    for area in pyogrio.read_dataframe(default_grounds / PROTECTED_AREAS).geometry:
        assert mines.within(area).any()


def test_independent_regions(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    write_permits(tmp_path / "one", [landscape()], seed=4)
    write_permits(tmp_path / "two", [landscape(mines=0), landscape()], seed=4)
    one, two = (json.loads((tmp_path / name / CONCESSIONS).read_text())["features"] for name in ("one", "two"))
    assert two[-len(one) :] == one
