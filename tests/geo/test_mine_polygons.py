"""Polygons from any file, repaired where they can be, listed where they can't."""

import logging
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from pyproj import Geod

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.mine_polygons import COLUMNS, read_mine_polygons
from support.chip_polygons import LEFT, TOP, square, write_layer

HECTARE_SQUARE = square(LEFT, TOP - 100, 100)


def at(*corners: tuple[float, float]) -> list[tuple[float, float]]:
    """Corners in metres east and south of a point in UTM."""
    return [(LEFT + x, TOP - y) for x, y in corners]


@pytest.mark.parametrize("name", ["mines.gpkg", "mines.geojson", "mines.shp", "mines.fgb"])
def test_formats_and_crs(tmp_path: Path, name: str) -> None:
    frame = gpd.GeoDataFrame(geometry=[HECTARE_SQUARE], crs="EPSG:32721")
    frame.to_crs("EPSG:4326" if name.endswith("geojson") else "EPSG:5880").to_file(tmp_path / name, engine="pyogrio")
    polygons = read_mine_polygons(tmp_path / name)
    expected = frame.to_crs("EPSG:4326").geometry[0]
    assert polygons.geometry[0].hausdorff_distance(expected) < 1e-7  # a centimetre
    assert polygons.hectares[0] == pytest.approx(1, rel=0.001)  # the map scale of UTM is 0.9996 there
    assert list(polygons.inventory.columns) == list(COLUMNS)


def test_layers_of_different_crs(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [HECTARE_SQUARE], layer="metres")
    degrees = gpd.GeoSeries([HECTARE_SQUARE], crs="EPSG:32721").to_crs("EPSG:4326")
    write_layer(path, list(degrees), crs="EPSG:4326", layer="degrees")
    polygons = read_mine_polygons(path)
    assert polygons.inventory["layer"].tolist() == ["metres", "degrees"]
    assert shapely.hausdorff_distance(*polygons.geometry) < 1e-7


def test_hectares_on_the_ellipsoid(tmp_path: Path) -> None:
    shapes = [shapely.Point(20, latitude).buffer(0.05) for latitude in (-33, 0, 45, 70)]
    polygons = read_mine_polygons(write_layer(tmp_path / "mines.gpkg", shapes, crs="EPSG:4326"))
    geod = Geod(ellps="WGS84")
    expected = [abs(geod.geometry_area_perimeter(shape)[0]) / 10_000 for shape in shapes]
    np.testing.assert_allclose(polygons.hectares, expected, rtol=1e-4)


def test_long_edges(tmp_path: Path) -> None:
    bar = shapely.box(400_000, 5_500_000, 600_000, 5_500_010)  # 200 km at 50 degrees north bend by 400 m
    polygons = read_mine_polygons(write_layer(tmp_path / "mines.gpkg", [bar], crs="EPSG:32632"))
    back = gpd.GeoSeries(polygons.geometry, crs="EPSG:4326").to_crs("EPSG:32632")[0]
    assert back.hausdorff_distance(bar) < 0.5


def test_self_crossing_ring(tmp_path: Path) -> None:
    bow_tie = shapely.Polygon(at((0, 0), (100, 100), (100, 0), (0, 100)))
    polygons = read_mine_polygons(write_layer(tmp_path / "mines.gpkg", [bow_tie, HECTARE_SQUARE]))
    assert polygons.inventory["verdict"].tolist() == ["repaired", "accepted"]
    assert polygons.inventory["reason"][0] == "invalid: self-intersection"
    np.testing.assert_allclose(polygons.hectares, [0.5, 1], rtol=0.001)
    assert shapely.is_valid(polygons.geometry).all()


def test_overlapping_parts(tmp_path: Path) -> None:
    twice = shapely.MultiPolygon([square(LEFT, TOP - 100, 100), square(LEFT + 50, TOP - 100, 100)])
    polygons = read_mine_polygons(write_layer(tmp_path / "mines.gpkg", [twice]))
    assert polygons.inventory["verdict"].tolist() == ["repaired"]
    assert polygons.hectares[0] == pytest.approx(1.5, rel=0.001)


def test_holes_and_parts_are_kept(tmp_path: Path) -> None:
    holed = HECTARE_SQUARE.difference(square(LEFT + 25, TOP - 75, 50))
    parts = shapely.MultiPolygon([square(LEFT, TOP, 50), square(LEFT + 100, TOP, 50)])
    polygons = read_mine_polygons(write_layer(tmp_path / "mines.gpkg", [holed, parts]))
    assert polygons.inventory["verdict"].tolist() == ["accepted", "accepted"]
    np.testing.assert_allclose(polygons.hectares, [0.75, 0.5], rtol=0.001)


def test_collections(tmp_path: Path) -> None:
    mixed = shapely.GeometryCollection([HECTARE_SQUARE, shapely.Point(LEFT, TOP)])
    polygons = read_mine_polygons(write_layer(tmp_path / "mines.gpkg", [mixed]))
    assert polygons.inventory["reason"].tolist() == ["collection: only its polygons are kept"]
    assert polygons.hectares[0] == pytest.approx(1, rel=0.001)


@pytest.mark.filterwarnings("ignore:invalid value encountered in from_wkt")
def test_dropped_features_have_reasons(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shapes = [
        HECTARE_SQUARE,
        shapely.LineString(at((0, 0), (10, 10))),
        shapely.MultiPoint(at((0, 0), (10, 10))),
        None,
        shapely.Polygon(),
        shapely.Polygon(at((0, 0), (100, 0), (50, 0))),
        shapely.from_wkt(f"POLYGON (({LEFT} {TOP}, {LEFT} NaN, {LEFT + 10} {TOP}, {LEFT} {TOP}))"),
        square(1e9, 1e9, 100),
        shapely.GeometryCollection([shapely.Point(LEFT, TOP)]),
    ]
    with caplog.at_level(logging.INFO):
        polygons = read_mine_polygons(write_layer(tmp_path / "mines.gpkg", shapes))
    assert len(polygons) == 1
    dropped = polygons.inventory[polygons.inventory["verdict"] == "dropped"]
    assert dropped["feature"].tolist() == list(range(2, 10))
    assert [reason.split(":")[0] for reason in dropped["reason"]] == [
        "line", "point", "no geometry", "no geometry", "collapsed", "coordinates", "off the Earth", "collapsed",
    ]  # fmt: skip
    assert dropped["hectares"].isna().all()
    assert "1 of 9 features of mines.gpkg can be used, 0 of them after a repair; 8 were dropped (" in caplog.text


def test_metres_as_degrees(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [HECTARE_SQUARE, shapely.box(10, 10, 11, 11)], crs="EPSG:4326")
    assert read_mine_polygons(path).inventory["reason"][0] == "off the Earth: its coordinates don't fit its CRS"


def test_no_polygon(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "roads.gpkg", [shapely.LineString(at((0, 0), (10, 10)))] * 2)
    with pytest.raises(BadInputError, match=r"roads\.gpkg holds no polygon that can be used \(2 line\)"):
        read_mine_polygons(path)


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.gpkg"
    gpd.GeoDataFrame(geometry=[], crs="EPSG:4326").to_file(path, engine="pyogrio")
    with pytest.raises(BadInputError, match=r"empty\.gpkg holds no feature"):
        read_mine_polygons(path)


def test_layer_without_geometry(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [HECTARE_SQUARE], layer="mines")
    pyogrio.write_dataframe(gpd.pd.DataFrame({"owner": ["x"]}), path, layer="owners")
    assert set(read_mine_polygons(path).inventory["layer"]) == {"mines"}
    with pytest.raises(BadInputError, match=r"holds no feature|has no CRS|holds no polygon"):
        read_mine_polygons(path, ["owners"])


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
@pytest.mark.parametrize("name", ["mines.gpkg", "mines.shp"])
def test_missing_crs(tmp_path: Path, name: str) -> None:
    path = write_layer(tmp_path / name, [HECTARE_SQUARE], crs=None)
    with pytest.raises(BadInputError, match=r"The layer mines of .* has no CRS, so that nobody can tell where"):
        read_mine_polygons(path)


def test_engineering_crs(tmp_path: Path) -> None:
    local = 'ENGCRS["pit grid",EDATUM["pit"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
    path = write_layer(tmp_path / "mines.gpkg", [HECTARE_SQUARE], crs=local)
    with pytest.raises(BadInputError, match=r"The layer mines of .* has a CRS that can't be placed on the Earth"):
        read_mine_polygons(path)


def test_unknown_layer(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [HECTARE_SQUARE], layer="pits")
    with pytest.raises(BadInputError, match=r"mines\.gpkg has no layer pit: it has pits\."):
        read_mine_polygons(path, ["pit"])


def test_unreadable_and_missing_files(tmp_path: Path) -> None:
    path = tmp_path / "mines.gpkg"
    path.write_text("not a database", encoding="utf-8")
    with pytest.raises(BadInputError, match=r"mines\.gpkg can't be read as a vector file \(.*\): it is cut off or"):
        read_mine_polygons(path)
    with pytest.raises(BadInputError, match=r"none\.gpkg does not exist"):
        read_mine_polygons(tmp_path / "none.gpkg")


@pytest.mark.real_chips
def test_real_footprints(real_chips: Path) -> None:
    polygons = read_mine_polygons(real_chips / "mining_polygons" / "maus_sample.gpkg")
    assert polygons.inventory["verdict"].value_counts().to_dict() == {"accepted": 146, "dropped": 56}
    # More than a quarter of the features come without any geometry, so there is nothing to repair in them.
    assert set(polygons.inventory["reason"].dropna()) == {"no geometry: the feature has none"}
    assert shapely.is_valid(polygons.geometry).all()
    assert (polygons.hectares > 0).all()
