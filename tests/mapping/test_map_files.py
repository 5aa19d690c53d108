"""Files of a map of mines: they open in a GIS with a style, and are the same each time."""

import json
import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from mining_the_mines.mapping.map_files import MEANINGS, write_mines
from mining_the_mines.mapping.permits import compare_with_permits
from mining_the_mines.mapping.settings import Format, PermitSettings
from support.scene_maps import areas_of, field, mines_of

ALL: tuple[Format, ...] = ("gpkg", "parquet", "geojson")


@pytest.fixture
def mines(tmp_path: Path) -> gpd.GeoDataFrame:
    """Four mines, one in two parts, one with a hole, compared with permits."""
    holed = field(500, 0, 200).difference(field(550, 50, 50))
    parts = shapely.union(field(0, 500, 100), field(100, 600, 100))
    found = mines_of([field(0, 0, 300), holed, parts, field(900, 900, 50)], ["high", "medium", "low", "high"])
    areas = areas_of(tmp_path, Nördlich=field(0, 0, 400))
    return compare_with_permits(found, areas, areas, PermitSettings())


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def read_back(path: Path) -> gpd.GeoDataFrame:
    return gpd.read_parquet(path) if path.suffix == ".parquet" else pyogrio.read_dataframe(path, layer="mines")


@pytest.mark.parametrize("kind", ["gpkg", "parquet"])
def test_round_trip(mines: gpd.GeoDataFrame, tmp_path: Path, kind: Format) -> None:
    (path,) = write_mines(mines, tmp_path, [kind])
    back = read_back(path)
    assert path.name == f"mines.{kind}"
    assert back.crs == mines.crs
    attributes = mines.drop(columns="geometry")
    pd.testing.assert_frame_equal(back[attributes.columns].astype(attributes.dtypes.to_dict()), attributes)
    assert back.geometry.is_valid.all()
    assert set(back.geom_type) == {"MultiPolygon"}
    assert shapely.equals(back.geometry.to_numpy(), mines.geometry.to_numpy()).all()


def test_geojson_follows_its_standard(mines: gpd.GeoDataFrame, tmp_path: Path) -> None:
    (path,) = write_mines(mines, tmp_path, ["geojson"])
    content = json.loads(path.read_text(encoding="utf-8"))
    assert "crs" not in content
    ring = content["features"][0]["geometry"]["coordinates"][0][0]
    assert shapely.LinearRing(ring).is_ccw
    assert all(len(str(value).partition(".")[2]) <= 7 for point in ring for value in point)
    back = gpd.GeoSeries(shapely.from_geojson(json.dumps(content["features"][1]["geometry"])), crs=4326)
    assert back.to_crs(mines.crs)[0].hausdorff_distance(mines.geometry[1]) < 0.02
    assert content["features"][0]["properties"]["concession"] == "Nördlich"
    assert content["features"][3]["properties"]["concession"] is None


def test_same_bytes(mines: gpd.GeoDataFrame, tmp_path: Path) -> None:
    written = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        paths = write_mines(mines, tmp_path / name, ALL)
        written.append([path.read_bytes() for path in paths])
        time.sleep(1.1)  # dates in a GeoPackage are given to the second
    assert written[0] == written[1]


@pytest.mark.parametrize("kind", ["gpkg", "parquet"])
def test_no_mines(mines: gpd.GeoDataFrame, tmp_path: Path, kind: Format) -> None:
    (tmp_path / "full").mkdir()
    (empty,) = write_mines(mines.iloc[:0], tmp_path, [kind])
    (full,) = write_mines(mines, tmp_path / "full", [kind])
    if kind == "parquet":
        pd.testing.assert_series_equal(read_back(empty).dtypes, read_back(full).dtypes)
    else:
        facts, others = (pyogrio.read_info(path, layer="mines") for path in (empty, full))
        for key in ("fields", "ogr_types", "ogr_subtypes", "crs", "geometry_type"):
            assert list(facts[key]) == list(others[key])
    assert len(read_back(empty)) == 0


def test_default_style_of_qgis(mines: gpd.GeoDataFrame, tmp_path: Path) -> None:
    (path,) = write_mines(mines, tmp_path, ["gpkg"])
    # The question that QGIS asks when it opens a layer.
    info = pyogrio.read_info(path, layer="mines")
    columns = "f_table_name, f_geometry_column, styleQML, styleSLD, useAsDefault"
    ((table, column, qml, sld, default),) = rows(path, f"SELECT {columns} FROM layer_styles WHERE f_table_schema = ''")  # noqa: S608
    assert (table, column, default) == (info["layer_name"], info["geometry_name"], 1)
    style = ET.fromstring(qml)  # noqa: S314 - our own
    values = [category.get("value") for category in style.iter("category")]
    assert values == ["high", "medium", "low"]
    assert style.find("renderer-v2").get("attr") == "confidence"  # type: ignore[union-attr]
    assert "area_ha" in style.find("labeling/settings/text-style").get("fieldName")  # type: ignore[union-attr, operator]
    literals = [literal.text for literal in ET.fromstring(sld).iter("{http://www.opengis.net/ogc}Literal")]  # noqa: S314 - our own
    assert literals == values
    assert rows(path, "SELECT data_type FROM gpkg_contents WHERE table_name = 'layer_styles'") == [("attributes",)]


def test_geopackage_has_index_and_meanings(mines: gpd.GeoDataFrame, tmp_path: Path) -> None:
    (path,) = write_mines(mines, tmp_path, ["gpkg"])
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "PRAGMA foreign_key_check") == []
    assert rows(path, "SELECT count(*) FROM rtree_mines_geom") == [(len(mines),)]
    meanings = pyogrio.read_info(path, layer="mines")["layer_metadata"]
    assert meanings == {column: MEANINGS[column] for column in mines.columns if column != "geometry"}


def test_boxes_in_parquet(mines: gpd.GeoDataFrame, tmp_path: Path) -> None:
    (path,) = write_mines(mines, tmp_path, ["parquet"])
    assert b'"version": "1.1.0"' in path.read_bytes()
    left, bottom, right, top = mines.geometry.iloc[3].bounds
    assert gpd.read_parquet(path, bbox=(left + 1, bottom + 1, right - 1, top - 1))["id"].tolist() == [4]


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let no file grow beyond 10 kB, as a disk does that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("kind", ALL)
def test_full_disk(tmp_path: Path, kind: Format) -> None:
    many = mines_of([field(200 * number, 0, 100) for number in range(400)])
    with pytest.raises(OSError, match=f"mines.{kind}|too large"):
        write_mines(many, tmp_path, [kind])
