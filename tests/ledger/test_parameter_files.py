"""Files that parameters name."""

import json
from pathlib import Path
from typing import Any

import pytest
import rasterio.shutil

from mining_the_mines.ledger.parameter_files import named_files
from support.recorded_runs import RecordedProject, write_composite
from support.scene_files import ground, write_scene


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_nested_parameters(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    regions = write(project / "conf/regions.csv")
    scene = write(elsewhere / "scene.tif")
    parameters = {"acquisition": {"regions": "conf/regions.csv"}, "scene": [str(scene), "missing/scene.tif"]}
    assert named_files(parameters, project) == sorted([regions, scene])


@pytest.mark.parametrize("text", ["median", "https://example.org/a.json", ".", "/", "", "a\0b.tif", "x" * 5000 + "/"])
def test_words_addresses_and_the_project(tmp_path: Path, text: str) -> None:
    write(tmp_path / "median")
    assert named_files({"method": text}, tmp_path) == []


@pytest.mark.parametrize("parameters", [{"params:scene": ["2023"]}, {"params:acquisition": {"source": "2023"}}])
def test_plain_words_that_are_places(tmp_path: Path, parameters: dict[str, Any]) -> None:
    write(tmp_path / "2023/scene.tif")
    assert named_files(parameters, tmp_path) == [tmp_path / "2023"]


def test_shapefile(tmp_path: Path) -> None:
    files = [write(tmp_path / f"regions{suffix}") for suffix in (".dbf", ".shp", ".shx")]
    assert named_files({"regions": "regions.shp"}, tmp_path) == files
    assert named_files({"regions": "regions.shp|layername=regions"}, tmp_path) == files


def test_stac_catalog(tmp_path: Path) -> None:
    band = write(tmp_path / "stac/scene/blue.tif")
    assets = {"blue": {"href": "./blue.tif"}, "far": {"href": "https://example.org/far.tif"}}
    up = {"rel": "root", "href": "../catalog.json"}
    item = write(
        tmp_path / "stac/scene/item.json", json.dumps({"stac_version": "1.0.0", "assets": assets, "links": [up]})
    )
    down = {"rel": "item", "href": "scene/item.json"}
    catalog = write(tmp_path / "stac/catalog.json", json.dumps({"stac_version": "1.0.0", "links": [down]}))
    assert named_files({"source": "stac/catalog.json"}, tmp_path) == sorted([band, item, catalog])
    assert named_files({"scene": "stac/scene/item.json"}, tmp_path) == sorted([band, item])


def write_mosaic(path: Path, tile: Path) -> Path:
    """A mosaic of one tile."""
    rasterio.shutil.copy(write_scene(tile, ground(20, 20)), path, driver="VRT")
    return path


def test_folder_of_mosaics(tmp_path: Path) -> None:
    tile, folder = tmp_path / "tiles/tile.tif", tmp_path / "scenes"
    folder.mkdir()
    write_mosaic(folder / "a.vrt", tile)
    write_mosaic(folder / "b.vrt", folder / "parts/tile.tif")
    assert named_files({"scene": "scenes/"}, tmp_path) == [folder, tile]


def test_raster_with_its_record(tmp_path: Path) -> None:
    write_composite(RecordedProject(tmp_path), path="composites")
    write_scene(tmp_path / "composites/tapajos.tif", ground(20, 20))
    names = ["tapajos.composite.json", "tapajos.tif"]
    assert named_files({"scene": "composites/tapajos.tif"}, tmp_path) == [
        tmp_path / "composites" / name for name in names
    ]


@pytest.mark.parametrize("text", ["{half", "[]", '{"stac_version": "1.0.0", "links": 3}', "7"])
def test_json_that_is_no_catalog(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "regions.json", text)
    assert named_files({"regions": "regions.json"}, tmp_path) == [file]
