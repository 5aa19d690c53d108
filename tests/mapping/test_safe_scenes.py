"""SAFE folders and ZIPs that a person names to map."""

from pathlib import Path

import pytest

from mining_the_mines.core.errors import SceneError
from mining_the_mines.mapping.scene_discovery import StacScene, find_scenes
from support.safe_products import Safe, write_safe, zipped
from support.scene_files import ground, map_named, write_scene


def test_folder_of_safe_folders_and_zips(tmp_path: Path) -> None:
    write_safe(tmp_path / "scenes", Safe(day=1))
    zipped(write_safe(tmp_path / "elsewhere", Safe(day=2)), tmp_path / "scenes" / "b c.zip")
    found = find_scenes(str(tmp_path / "scenes"))
    assert [scene.name for scene in found] == [Safe(day=1).name, Safe(day=2).name]
    assert all(isinstance(scene, StacScene) for scene in found)


def test_rasters_beside_a_product(tmp_path: Path) -> None:
    write_safe(tmp_path)
    write_scene(tmp_path / "north.tif", ground(16, 16))
    assert [scene.name for scene in find_scenes(str(tmp_path))] == ["north", Safe().name]


def test_zip_beside_its_folder(tmp_path: Path) -> None:
    safe = write_safe(tmp_path)
    zipped(safe, tmp_path / f"{Safe().name}.zip")
    assert find_scenes(str(tmp_path)) == [StacScene(Safe().name, str(safe))]


def test_level_1c_without_mask(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"has no cloud mask scl: set compositing\.clear_sky\.source to csmask"):
        map_named(tmp_path / "out", str(write_safe(tmp_path, Safe("1C"))))


def test_zip_cut_off(tmp_path: Path) -> None:
    path = zipped(write_safe(tmp_path), tmp_path / "a.zip")
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(SceneError, match=r"a\.zip can't be read as a ZIP"):
        find_scenes(str(path))


def test_map_of_a_product_is_that_of_its_zip(tmp_path: Path) -> None:
    safe = write_safe(tmp_path)
    maps = [
        map_named(tmp_path / name, str(scene)).maps[0]
        for name, scene in (("folder", safe), ("zip", zipped(safe, tmp_path / "a.zip")))
    ]
    assert maps[0].name == Safe().name
    first, second = (found.probability.read_bytes() for found in maps)
    assert first == second


def test_missing_image_is_named(tmp_path: Path) -> None:
    lacking = tuple(end for end in Safe().images if end.startswith("B03"))
    safe = write_safe(tmp_path, Safe(lacking=lacking))
    with pytest.raises(SceneError, match=r"can't be mapped: its file B3_10m is missing: there is no such file; fetch"):
        map_named(tmp_path / "out", str(safe))
