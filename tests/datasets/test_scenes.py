"""Datasets of scenes and composites."""

from pathlib import Path

import pytest
from kedro.io import DatasetError

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.datasets.scenes import CompositesDataset, SceneSelectionDataset
from mining_the_mines.scenes.composites import make_composites
from mining_the_mines.scenes.scene_list import SceneSelection
from support.observed_requests import Observation, choice_of, clear, flat, month, plan_of, write_scene


def three_dates(folder: Path) -> SceneSelection:
    scenes = [
        write_scene(folder, f"s{number}", Observation({"blue": flat(500)}, clear(), month(number + 1)))
        for number in range(3)
    ]
    return choice_of(scenes)


def test_selected_scenes_come_back(tmp_path: Path) -> None:
    selection = three_dates(tmp_path)
    dataset = SceneSelectionDataset(filepath=str(tmp_path / "scenes.json"))
    dataset.save(selection)
    assert dataset.load().to_json() == selection.to_json()


def test_index_lists_composites(tmp_path: Path) -> None:
    plans = plan_of(three_dates(tmp_path).scenes("somewhere"), ("B2",))
    made = make_composites(plans, tmp_path / "composites", DaskSettings())
    dataset = CompositesDataset(filepath=str(tmp_path / "composites"))
    dataset.save(made)
    assert dataset.load() == made


def test_missing_composites_are_reported(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no composites: run compositing first"):
        CompositesDataset(filepath=str(tmp_path)).load()
