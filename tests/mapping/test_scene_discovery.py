"""Paths and addresses that name scenes."""

from pathlib import Path

import pytest

from mining_the_mines.core.errors import SceneError
from mining_the_mines.mapping.scene_discovery import RemoteRaster, StacScene, composite_scene, find_scenes
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.scenes.composite_files import write_index
from support.composites import DATES
from support.scene_files import ground, recorded_composite, write_scene


def raster(folder: Path, name: str = "north.tif") -> Path:
    return write_scene(folder / name, ground(16, 16))


def test_raster(tmp_path: Path) -> None:
    path = raster(tmp_path)
    assert find_scenes(str(path)) == [Scene("north", path, str(path))]


def test_list_keeps_its_order(tmp_path: Path) -> None:
    names = [str(raster(tmp_path, name)) for name in ("b.tif", "a.tif")]
    assert [scene.name for scene in find_scenes(names)] == ["b", "a"]


def test_folder_of_rasters(tmp_path: Path) -> None:
    for name in ("b.tif", "a.TIF", ".hidden.tif", "c.jp2"):
        raster(tmp_path, name) if name != "c.jp2" else (tmp_path / name).touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "item.json").write_text("{}")
    (tmp_path / "deeper").mkdir()
    assert [scene.name for scene in find_scenes(str(tmp_path))] == ["a", "b", "c"]


def test_folder_of_items(tmp_path: Path) -> None:
    for name in ("b.json", "a.json"):
        (tmp_path / name).write_text("{}")
    assert find_scenes(str(tmp_path)) == [StacScene(name, str(tmp_path / f"{name}.json")) for name in ("a", "b")]


def test_raster_of_a_composite(tmp_path: Path) -> None:
    composite = recorded_composite(tmp_path)
    (found,) = find_scenes(str(composite.image))
    assert isinstance(found, Scene)
    assert found == composite_scene(composite)
    assert found.dates == DATES
    assert found.clear_dates == composite.clear_dates


def test_folder_of_composites(tmp_path: Path) -> None:
    for region in ("north", "south", "old"):
        recorded_composite(tmp_path, region)
    write_index(tmp_path, ["south", "north"])
    assert [scene.name for scene in find_scenes(str(tmp_path))] == ["south", "north"]


def test_source_of_a_url_keeps_secrets() -> None:
    address = "https://stac.example.org/items/S2A_X.json?token=verysecret"
    (found,) = find_scenes(address)
    assert isinstance(found, StacScene)
    assert (found.name, found.address) == ("S2A_X", address)
    assert "verysecret" not in found.source


@pytest.mark.parametrize(
    ("given", "name"),
    [("https://x.org/items/a%3Cb", "a_b"), ("https://x.org/a:b", "a_b"), ("https://x.org/", "scene")],
)
def test_names_fit_a_folder(given: str, name: str) -> None:
    assert [scene.name for scene in find_scenes(given)] == [name]


def test_equal_names_are_refused(tmp_path: Path) -> None:
    paths = [str(raster(tmp_path / folder, name)) for folder, name in (("a", "north.tif"), ("b", "North.tif"))]
    with pytest.raises(SceneError, match=r"a/north\.tif and .*b/North\.tif are both called North, .* two runs\.$"):
        find_scenes(paths)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "No scene is named: .*--params=scene=PATH"),
        ("nowhere.tif", "There is no scene .*/nowhere"),
        ("", "no raster"),
    ],
)
def test_no_scene(tmp_path: Path, given: str | list[str], message: str) -> None:
    with pytest.raises(SceneError, match=message):
        find_scenes(str(tmp_path / given) if isinstance(given, str) else given)


@pytest.mark.parametrize(
    ("given", "name", "address"),
    [
        ("https://x.org/a/b%20c.tif?sig=secret", "b c", "https://x.org/a/b%20c.tif?sig=secret"),
        ("s3://bucket/a/b.tif", "b", "https://bucket.s3.amazonaws.com/a/b.tif"),
        ("gs://bucket/b.jp2", "b", "https://storage.googleapis.com/bucket/b.jp2"),
        ("/vsicurl/https://x.org/b.tif", "b", "https://x.org/b.tif"),
        ("/vsis3/bucket/b.tiff", "b", "https://bucket.s3.amazonaws.com/b.tiff"),
    ],
)
def test_rasters_on_the_web(given: str, name: str, address: str) -> None:
    (found,) = find_scenes(given)
    assert isinstance(found, RemoteRaster)
    assert (found.name, found.address) == (name, address)
    assert "secret" not in found.source
