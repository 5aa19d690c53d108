"""The STAC item of a map."""

import hashlib
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pystac
import pytest
import rasterio
import shapely
from rasterio.crs import CRS
from rasterio.transform import from_origin

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.geo.mine_polygons import LON_LAT, transformation
from mining_the_mines.mapping.attributes import MapFacts
from mining_the_mines.mapping.map_files import write_mines
from mining_the_mines.mapping.permits import compare_with_permits
from mining_the_mines.mapping.settings import PermitSettings, Thresholds
from mining_the_mines.mapping.stac_item import describe_map, draw_footprint, footprint_box, write_item
from support.scene_maps import EAST, NORTH, areas_of, field, mines_of

FACTS = MapFacts("tapajos", "segmenter", "3", date(2021, 9, 1), date(2022, 6, 30))
THRESHOLDS = Thresholds(seed=0.6, grow=0.4)


def write_raster(path: Path, **profile: Any) -> Path:
    """A map of probability of 1 by 2 km."""
    layout: dict[str, Any] = {
        "crs": "EPSG:32721",
        "transform": from_origin(EAST, NORTH + 1000, 10, 10),
        "nodata": np.nan,
    } | profile
    layout = {"driver": "GTiff", "height": 100, "width": 200, "count": 1, "dtype": "float32"} | layout
    with rasterio.open(path, "w", **layout) as raster:
        raster.write(np.zeros((1, 100, 200), str(layout["dtype"])))
    return path


@pytest.fixture
def mines() -> gpd.GeoDataFrame:
    return mines_of([field(0, 0, 300), field(500, 0, 200)])


@pytest.fixture
def folder(tmp_path: Path, mines: gpd.GeoDataFrame) -> Path:
    """All files of a map."""
    place = tmp_path / "tapajos"
    place.mkdir()
    write_raster(place / "probability.tif")
    write_mines(mines, place, ("gpkg", "parquet", "geojson"))
    (place / "quicklook.jpg").write_bytes(b"a picture")
    (place / "map.json").write_text("{}")
    return place


def written(
    folder: Path, mines: gpd.GeoDataFrame, facts: MapFacts = FACTS, source: str | None = None
) -> dict[str, Any]:
    """The item as it is in its file."""
    write_item(describe_map(folder, mines, facts, THRESHOLDS, source), folder / "item.json")
    content: dict[str, Any] = json.loads((folder / "item.json").read_text(encoding="utf-8"))
    return content


def test_valid_item(folder: Path, mines: gpd.GeoDataFrame) -> None:
    content = written(folder, mines)
    for field_name in ("type", "stac_version", "id", "geometry", "bbox", "properties", "links", "assets"):
        assert field_name in content
    assert (content["type"], content["stac_version"], content["id"]) == ("Feature", "1.1.0", "tapajos")
    assert content["properties"]["datetime"] is None
    item = pystac.Item.from_file(str(folder / "item.json"))
    assert item.common_metadata.start_datetime == datetime(2021, 9, 1, tzinfo=UTC)
    assert item.common_metadata.end_datetime == datetime(2022, 6, 30, 23, 59, 59, tzinfo=UTC)
    assert all(Path(str(asset.get_absolute_href())).is_file() for asset in item.assets.values())


def test_assets(folder: Path, mines: gpd.GeoDataFrame) -> None:
    assets = written(folder, mines)["assets"]
    names = {"probability.tif", "mines.gpkg", "mines.parquet", "mines.geojson", "quicklook.jpg", "map.json"}
    assert {asset["href"].removeprefix("./") for asset in assets.values()} == names
    for asset in assets.values():
        content = (folder / asset["href"]).read_bytes()
        assert asset["file:size"] == len(content)
        assert asset["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()
        assert asset["roles"]
        assert "/" in asset["type"]


def test_raster_fields(folder: Path, mines: gpd.GeoDataFrame) -> None:
    asset = written(folder, mines)["assets"]["probability"]
    assert asset["proj:code"] == "EPSG:32721"
    assert asset["proj:shape"] == [100, 200]
    assert asset["proj:transform"] == [10, 0, EAST, 0, -10, NORTH + 1000]
    (band,) = asset["bands"]
    assert (band["data_type"], band["nodata"]) == ("float32", "nan")


def test_properties(folder: Path, mines: gpd.GeoDataFrame, tmp_path: Path) -> None:
    properties = written(folder, mines)["properties"]
    assert properties["mines:count"] == 2
    assert properties["mines:hectares"] == pytest.approx(13.01, abs=0.01)
    assert (properties["mines:model"], properties["mines:model_version"]) == ("segmenter", "3")
    assert (properties["mines:seed_threshold"], properties["mines:grow_threshold"]) == (0.6, 0.4)
    assert "mines:to_review" not in properties
    compared = compare_with_permits(mines, areas_of(tmp_path, Aurora=field(0, 0, 400)), None, PermitSettings())
    assert written(folder, compared)["properties"]["mines:to_review"] == 1


def test_footprint_holds_the_mines(folder: Path, mines: gpd.GeoDataFrame) -> None:
    content = written(folder, mines)
    footprint = shapely.geometry.shape(content["geometry"])
    assert footprint.buffer(1e-6).contains(mines.to_crs(4326).geometry).all()
    assert tuple(content["bbox"]) == footprint.bounds


def test_unknown_dates(folder: Path, mines: gpd.GeoDataFrame) -> None:
    day = datetime(2024, 5, 6, 12, tzinfo=UTC).timestamp()
    os.utime(folder / "probability.tif", (day, day))
    properties = written(folder, mines, facts=MapFacts("tapajos", "segmenter", "3"))["properties"]
    assert properties["start_datetime"] == "2015-06-27T00:00:00Z"
    assert properties["end_datetime"] == "2024-05-06T23:59:59Z"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("https://stac.example.com/items/S2A_1", "https://stac.example.com/items/S2A_1"),
        ("https://blob.example.com/S2A_1.tif?se=2024&sig=geheim", "https://blob.example.com/S2A_1.tif"),
        ("/data/composites/tapajos.tif", "/data/composites/tapajos.tif"),
    ],
)
def test_link_without_password(folder: Path, mines: gpd.GeoDataFrame, source: str, told: str) -> None:
    assert written(folder, mines, source=source)["links"] == [{"rel": "derived_from", "href": told}]


def grid(epsg: int, longitude: float, latitude: float, edge: float, pixels: int = 100) -> ChipGrid:
    """A grid about a point."""
    crs = CRS.from_epsg(epsg)
    ((x, y),) = transformation(LON_LAT, crs.to_wkt())(np.array([[longitude, latitude]]))
    half = edge * pixels / 2
    return ChipGrid(crs, from_origin(x - half, y + half, edge, edge), pixels, pixels)


def test_footprint() -> None:
    footprint = draw_footprint(grid(32721, -57, -5, 10))
    assert isinstance(footprint, shapely.Polygon)
    assert footprint.exterior.is_ccw
    points = shapely.get_coordinates(footprint)
    assert np.array_equal(points, points.round(7))


def test_footprint_of_a_large_scene() -> None:
    scene = grid(32632, 6.5, 60, 1098)
    rim = shapely.segmentize(shapely.box(*scene.bounds), 1000)
    exact = shapely.transform(rim, transformation(scene.crs.to_wkt(), LON_LAT))
    assert draw_footprint(scene).hausdorff_distance(exact) < 2e-4  # degrees: some ten metres


@pytest.mark.parametrize("longitude", [179.999, -179.999])
@pytest.mark.parametrize("epsg", [32601, 32660])
def test_footprint_across_the_antimeridian(epsg: int, longitude: float) -> None:
    scene = grid(epsg, longitude, 10, 10)
    footprint = draw_footprint(scene)
    assert isinstance(footprint, shapely.MultiPolygon)
    assert footprint.is_valid
    west, _, east, _ = footprint_box(footprint)
    assert 179.9 < west < 180
    assert -180 < east < -179.9
    assert (east + 360 - west) == pytest.approx(1000 / 109_640, rel=0.05)  # metres in a degree at 10 degrees north
    assert all(part.exterior.is_ccw for part in footprint.geoms)
