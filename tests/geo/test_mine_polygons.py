"""Polygons from any file, repaired where possible, listed where not."""

import logging
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.mine_polygons import COLUMNS, read_mine_polygons, read_polygons
from support.chip_polygons import LEFT, TOP, square, write_layer

LOCAL = 'ENGCRS["pit grid",EDATUM["pit"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
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
    one, other = (read_mine_polygons(Path(f"{path}|layername={name}")) for name in ("metres", "degrees"))
    assert other.inventory["layer"].tolist() == ["degrees"]
    assert shapely.hausdorff_distance(one.geometry[0], other.geometry[0]) < 1e-7


def test_layers_of_one_name_and_different_crs(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [HECTARE_SQUARE], layer="mines_32721")
    degrees = gpd.GeoSeries([HECTARE_SQUARE], crs="EPSG:32721").to_crs("EPSG:4326")
    write_layer(path, list(degrees), crs="EPSG:4326", layer="mines_4326")
    assert read_mine_polygons(path).inventory["layer"].tolist() == ["mines_32721", "mines_4326"]


def test_polygon_larger_than_any_mine(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [HECTARE_SQUARE, square(LEFT, TOP, 100_000)])
    read_polygons(path)
    assert "larger than any mine" not in caplog.text
    read_mine_polygons(path)
    assert "1 of 2 polygons" in caplog.text
    assert "larger than any mine, such as feature 2 of the layer mines with 100" in caplog.text


@pytest.mark.parametrize(
    ("ring", "hectares"),
    [
        ([(179.99, 0), (-179.99, 0), (-179.99, 0.01), (179.99, 0.01)], 246.2),
        ([(179.99, 0), (180.01, 0), (180.01, 0.01), (179.99, 0.01)], 246.2),
        ([(-180.01, 0), (-179.99, 0), (-179.99, 0.01), (-180.01, 0.01)], 246.2),
        ([(190, 0), (190.01, 0), (190.01, 0.01), (190, 0.01)], 123.1),
    ],
    ids=["either side", "beyond 180", "below -180", "up to 360"],
)
def test_antimeridian(tmp_path: Path, ring: list[tuple[float, float]], hectares: float) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [shapely.Polygon(ring)], crs="EPSG:4326")
    polygons = read_mine_polygons(path)
    assert polygons.hectares[0] == pytest.approx(hectares, abs=0.5)
    west, _, east, _ = shapely.bounds(polygons.geometry[0])
    assert -180 <= west <= east <= 180


def test_antimeridian_in_metres(tmp_path: Path) -> None:
    fiji = shapely.Point(819_000, 8_117_000).buffer(2_000).difference(shapely.Point(819_000, 8_117_000).buffer(500))
    polygons = read_mine_polygons(write_layer(tmp_path / "mines.gpkg", [fiji], crs="EPSG:32760"))
    assert polygons.hectares[0] == pytest.approx(fiji.area / 1e4, rel=0.003)
    assert shapely.bounds(polygons.geometry[0])[[0, 2]].tolist() == [-180, 180]


def test_long_edges(tmp_path: Path) -> None:
    bar = shapely.box(400_000, 5_500_000, 600_000, 5_500_010)  # 200 km at 50 degrees north bend by 400 m
    polygons = read_mine_polygons(write_layer(tmp_path / "mines.gpkg", [bar], crs="EPSG:32632"))
    back = gpd.GeoSeries(polygons.geometry, crs="EPSG:4326").to_crs("EPSG:32632")[0]
    assert back.hausdorff_distance(bar) < 0.5


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


@pytest.mark.parametrize(
    ("shape", "verdict", "reason", "hectares"),
    [
        (HECTARE_SQUARE.difference(square(LEFT + 25, TOP - 75, 50)), "accepted", None, 0.75),
        (shapely.MultiPolygon([HECTARE_SQUARE, square(LEFT + 50, TOP - 100, 100)]), "repaired", "invalid", 1.5),
        (
            shapely.GeometryCollection([HECTARE_SQUARE, shapely.Point(LEFT, TOP)]),
            "repaired",
            "collection: only its polygons are kept",
            1,
        ),
        (shapely.Polygon(at((0, 0), (100, 100), (100, 0), (0, 100))), "repaired", "invalid: self-intersection", 0.5),
    ],
    ids=["hole", "overlapping parts", "collection", "self-crossing ring"],
)
def test_repairs(tmp_path: Path, shape: shapely.Geometry, verdict: str, reason: str | None, hectares: float) -> None:
    polygons = read_mine_polygons(write_layer(tmp_path / "mines.gpkg", [shape]))
    (row,) = polygons.inventory.to_dict("records")
    assert row["verdict"] == verdict
    assert str(row["reason"] or "").startswith(reason or "")
    assert polygons.hectares[0] == pytest.approx(hectares, rel=0.001)
    assert shapely.is_valid(polygons.geometry).all()


def test_no_polygon(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "roads.gpkg", [shapely.LineString(at((0, 0), (10, 10)))] * 2)
    with pytest.raises(BadInputError, match=r"roads\.gpkg holds no polygon that can be used \(2 line\)"):
        read_mine_polygons(path)


def test_layer_without_geometry(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [HECTARE_SQUARE], layer="mines")
    pyogrio.write_dataframe(gpd.pd.DataFrame({"owner": ["x"]}), path, layer="owners")
    assert set(read_mine_polygons(path).inventory["layer"]) == {"mines"}


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
@pytest.mark.parametrize(("crs", "message"), [(None, "has no CRS"), (LOCAL, "has a CRS that can't be placed")])
def test_unusable_crs(tmp_path: Path, crs: str | None, message: str) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [HECTARE_SQUARE], crs=crs)
    with pytest.raises(BadInputError, match=f"The layer mines of .* {message}"):
        read_mine_polygons(path)


def test_unknown_layer(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "mines.gpkg", [HECTARE_SQUARE], layer="pits")
    with pytest.raises(BadInputError, match=r"mines\.gpkg has no layer pit: it has pits\."):
        read_mine_polygons(Path(f"{path}|layername=pit"))


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


def test_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.gpkg"
    gpd.GeoDataFrame(geometry=[], crs="EPSG:4326").to_file(path, engine="pyogrio")
    with pytest.raises(BadInputError, match=r"empty\.gpkg holds no feature"):
        read_mine_polygons(path)
