"""The list of selected scenes."""

from pathlib import Path

import pytest

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.scene_list import SCENE_COLUMNS, SceneSelection
from mining_the_mines.scenes.selection import select_scenes
from support.stac_catalogs import BANDS, Scene, series, settings, write_catalog


@pytest.fixture
def choice(tmp_path: Path) -> SceneSelection:
    return select_scenes(settings(write_catalog(tmp_path, [*series(), Scene(day=20, cloud_cover=99)])), BANDS, "scl")


def test_round_trip(choice: SceneSelection) -> None:
    text = choice.to_json()
    again = SceneSelection.from_json(text)
    assert again.to_json() == text
    assert again.regions == choice.regions
    assert again.items == choice.items
    assert again.left_out.equals(choice.left_out)


def test_scenes(choice: SceneSelection) -> None:
    scenes = choice.scenes("tapajos")
    assert [scene.id for scene in scenes] == [scene.id for scene in series()]
    assert set(scenes[0].assets) == {"blue", "green", "red", "scl"}


def test_table(choice: SceneSelection) -> None:
    table = choice.table()
    assert list(table.columns) == list(SCENE_COLUMNS)
    assert table.iloc[0].to_dict() == {
        "region": "tapajos",
        "item": series()[0].id,
        "datetime": "2022-01-03T14:00:00Z",
        "platform": "sentinel-2a",
        "baseline": "03.01",
        "cloud_cover": 10.0,
        "tile": "21MXM",
    }


def test_unknown_region(choice: SceneSelection) -> None:
    with pytest.raises(SceneError, match="'copperbelt': there are some for tapajos"):
        choice.scenes("copperbelt")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1, "sour'])
def test_damaged_list(text: str) -> None:
    with pytest.raises(SceneError, match="cut off or no such list"):
        SceneSelection.from_json(text)


def test_moved_project(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    local = select_scenes(settings(write_catalog(tmp_path, series())), BANDS, "scl")
    written = local.to_json(tmp_path / "scenes.json")
    assert str(tmp_path) not in written
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / "pyproject.toml").touch()
    assert SceneSelection.from_json(written, tmp_path / "scenes.json").items == local.items
    (first, *_) = SceneSelection.from_json(written, tmp_path / "moved" / "scenes.json").scenes("tapajos")
    assert all(asset.href.startswith(str(tmp_path / "moved")) for asset in first.assets.values())
