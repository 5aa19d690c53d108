"""Scenes and composites as the catalog sees them."""

from pathlib import Path

import pytest
from kedro.io import DatasetError

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.hashing import ContentHashes
from mining_the_mines.datasets.scenes import (
    AssetRequest,
    ChipPlacesDataset,
    CompositeRequest,
    CompositesDataset,
    ReachedScenesDataset,
    SceneChoiceDataset,
    SimulatedSeriesDataset,
)
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.settings import AcquisitionSettings
from support.observed_requests import Observation, choice_of, clear, flat, month, plan_of, write_scene

TINY = {"provinces": ["tapajos"], "pixels": 60, "mines": 1, "dates": 2}


def three_dates(folder: Path) -> SceneSelection:
    scenes = [
        write_scene(folder, f"s{number}", Observation({"blue": flat(500)}, clear(), month(number + 1)))
        for number in range(3)
    ]
    return choice_of(scenes)


def test_a_simulated_archive_is_made_once_and_again_for_other_settings(tmp_path: Path) -> None:
    path = str(tmp_path / "simulated")
    catalog = SimulatedSeriesDataset(filepath=path, simulation=TINY).load() / "catalog.json"
    made = catalog.stat().st_mtime_ns
    SimulatedSeriesDataset(filepath=path, simulation=TINY).load()
    assert catalog.stat().st_mtime_ns == made
    SimulatedSeriesDataset(filepath=path, simulation={**TINY, "seed": 1}).load()
    assert catalog.stat().st_mtime_ns != made


def test_looking_at_simulated_scenes_changes_nothing_in_them(tmp_path: Path) -> None:
    (tmp_path / "scene.tif").write_text("pixels")
    before = SimulatedSeriesDataset.hash_there(tmp_path, ContentHashes())
    (tmp_path / "scene.tif.aux.xml").write_text("statistics")
    (tmp_path / ".scene.tif.1234").write_text("half")
    assert SimulatedSeriesDataset.hash_there(tmp_path, ContentHashes()) == before


def test_data_that_were_not_simulated_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("mine")
    with pytest.raises(DatasetError, match="not simulated"):
        SimulatedSeriesDataset(filepath=str(tmp_path), simulation=TINY).load()
    assert (tmp_path / "labels.csv").is_file()


def test_chosen_scenes_come_back_as_they_were_written(tmp_path: Path) -> None:
    choice = three_dates(tmp_path)
    dataset = SceneChoiceDataset(filepath=str(tmp_path / "scenes.json"))
    dataset.save(choice)
    assert dataset.load().to_json() == choice.to_json()


def test_a_list_of_scenes_is_another_one_when_a_file_of_a_scene_has_changed(tmp_path: Path) -> None:
    choice = three_dates(tmp_path)
    path = tmp_path / "scenes.json"
    dataset = ReachedScenesDataset(filepath=str(path), assets=str(tmp_path / "assets"))
    dataset.save(choice)
    before = dataset.content_hash(path, ContentHashes())
    assert dataset.content_hash(path, ContentHashes()) == before
    with Path(choice.items["somewhere"][1]["assets"]["blue"]["href"]).open("ab") as raster:
        raster.write(b"more")
    assert dataset.content_hash(path, ContentHashes()) != before


def test_a_list_of_scenes_that_can_not_be_read_still_has_a_hash(tmp_path: Path) -> None:
    path = tmp_path / "scenes.json"
    dataset = SceneChoiceDataset(filepath=str(path))
    missing = dataset.content_hash(path, ContentHashes())
    path.write_text("{half", encoding="utf-8")
    assert dataset.content_hash(path, ContentHashes()) != missing


def test_a_scene_whose_file_is_gone_is_left_out_and_listed(tmp_path: Path) -> None:
    choice = three_dates(tmp_path)
    Path(choice.items["somewhere"][1]["assets"]["blue"]["href"]).unlink()
    settings = AcquisitionSettings(source="catalog.json", minimum_dates=2)
    dataset = ReachedScenesDataset(filepath=str(tmp_path / "scenes.json"), assets=str(tmp_path / "assets"))
    dataset.save(AssetRequest(choice, settings))
    reached = dataset.load()
    assert [item["id"] for item in reached.items["somewhere"]] == ["s0", "s2"]
    assert reached.left_out["item"].tolist() == ["s1"]


def test_composites_are_made_when_they_are_saved(tmp_path: Path) -> None:
    items = three_dates(tmp_path).scenes("somewhere")
    dataset = CompositesDataset(filepath=str(tmp_path / "composites"))
    dataset.save(CompositeRequest(plan_of(items, ("B2",)), DaskSettings()))
    (composite,) = dataset.load()
    assert composite.image.is_file()
    assert len(composite.dates) == 3


def test_composites_that_were_never_made_are_missed_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no composites: run preprocessing first"):
        CompositesDataset(filepath=str(tmp_path)).load()


def test_without_a_file_there_are_no_places(tmp_path: Path) -> None:
    assert ChipPlacesDataset(filepath=None).load() is None
    table = tmp_path / "places.csv"
    table.write_text("longitude,latitude,name\n-55.1,-7.2,here\n")
    places = ChipPlacesDataset(filepath=str(table)).load()
    assert places is not None
    assert places.names == ("here",)
