"""Regions from files and boxes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.regions import Bounds, Region, read_regions


def write(
    path: Path,
    shapes: Sequence[shapely.Geometry],
    crs: str | None = "EPSG:4326",
    layer: str | None = None,
    **columns: list[Any],
) -> Path:
    gpd.GeoDataFrame(columns, geometry=shapes, crs=crs).to_file(path, **({"layer": layer} if layer else {}))
    return path


def test_boxes() -> None:
    regions = read_regions({"tapajos": [-57, -7, -56, -6], "copperbelt": (27, -13, 28, -12)})
    assert regions == (Region("tapajos", (-57, -7, -56, -6)), Region("copperbelt", (27, -13, 28, -12)))


def test_file(tmp_path: Path) -> None:
    path = write(
        tmp_path / "places.gpkg",
        [shapely.box(-57, -7, -56, -6), shapely.box(27, -13, 28, -12)],
        name=["tapajos", "copperbelt"],
        epsg=[32721, None],
    )
    assert read_regions(path) == (
        Region("tapajos", (-57, -7, -56, -6), 32721),
        Region("copperbelt", (27, -13, 28, -12)),
    )


def test_unnamed_regions(tmp_path: Path) -> None:
    path = write(tmp_path / "places.geojson", [shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)])
    assert [region.name for region in read_regions(str(path))] == ["places_1", "places_2"]


def test_region_in_metres(tmp_path: Path) -> None:
    # A parallel bends in UTM: between the corners, the northern edge reaches further north than at either of them.
    west, east, south, north = 300_000, 700_000, 6_600_000, 6_700_000
    path = write(tmp_path / "wide.gpkg", [shapely.box(west, south, east, north)], crs="EPSG:32633")
    corner = gpd.GeoSeries([shapely.Point(west, north)], crs="EPSG:32633").to_crs(4326).y[0]
    assert read_regions(path)[0].bounds[3] > corner + 0.01


@pytest.mark.parametrize("west", [177.5, -182.5])
def test_region_across_the_antimeridian(tmp_path: Path, west: float) -> None:
    path = write(tmp_path / "fiji.gpkg", [shapely.box(west, -19, west + 5, -16)], name=["fiji"])
    assert read_regions(path) == (
        Region("fiji_west", (177.5, -19, 180, -16)),
        Region("fiji_east", (-180, -19, -177.5, -16)),
    )


def test_longitudes_up_to_360(tmp_path: Path) -> None:
    path = write(tmp_path / "amazon.gpkg", [shapely.box(303, -7, 304, -6)], name=["tapajos"])
    assert (
        read_regions(path) == read_regions({"tapajos": [303, -7, 304, -6]}) == (Region("tapajos", (-57, -7, -56, -6)),)
    )


def test_layer_of_regions(tmp_path: Path) -> None:
    path = write(tmp_path / "project.gpkg", [shapely.box(0, 0, 1, 1)], layer="mines")
    write(path, [shapely.box(2, 0, 3, 1)], layer="regions")
    assert read_regions(f"{path}|layername=regions")[0].bounds == (2, 0, 3, 1)
    with pytest.raises(SceneError, match=r"several layers of polygons \(mines, regions\)"):
        read_regions(path)


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ((-7, -100, -6, -57), "axes are swapped"),
        ((-190, 0, 0, 1), "outside the world"),
        ((1, 0, 1, 1), "at or beyond its east"),
        ((0, 1, 1, 1), "is empty"),
        ((179, 0, -179, 1), "given as two"),
        ((float("nan"), 0, 1, 1), "no numbers"),
    ],
)
def test_impossible_bounds(bounds: Bounds, told: str) -> None:
    with pytest.raises(SceneError, match=told):
        Region("here", bounds)


@pytest.mark.parametrize("name", ["", "../etc", "a/b", "a:b", ".hidden", "dot."])
def test_impossible_names(name: str) -> None:
    with pytest.raises(SceneError, match="can't name files"):
        Region(name, (0, 0, 1, 1))


@pytest.mark.parametrize("epsg", [4326, 2263, 999_999])
def test_crs_in_degrees(epsg: int) -> None:
    with pytest.raises(SceneError, match=f"EPSG:{epsg}"):
        Region("here", (0, 0, 1, 1), epsg)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({}, "holds no region"),
        ({"here": [0, 0, 1]}, "has 3 numbers"),
        ({"Here": [0, 0, 1, 1], "here": [2, 0, 3, 1]}, "more than one region of the name here"),
    ],
)
def test_unusable_boxes(source: dict[str, list[float]], told: str) -> None:
    with pytest.raises(SceneError, match=told):
        read_regions(source)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.gpkg", None, r"none\.gpkg does not exist"),
        ("broken.gpkg", b"SQLite format 3\x00 and nothing else", "can't be read as a vector file"),
        ("table.csv", b"name\nhere\n", "holds no layer with geometry"),
    ],
)
def test_unusable_files(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SceneError, match=message):
        read_regions(tmp_path / name)


def test_missing_crs_and_bad_epsg(tmp_path: Path) -> None:
    path = write(tmp_path / "places.gpkg", [shapely.box(0, 0, 1, 1)], crs=None)
    with pytest.raises(SceneError, match="has no CRS"):
        read_regions(path)
    path = write(tmp_path / "others.gpkg", [shapely.box(0, 0, 1, 1)], epsg=["zone 21"])
    with pytest.raises(SceneError, match="EPSG code 'zone 21'"):
        read_regions(path)
