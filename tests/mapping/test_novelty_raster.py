"""Novelty of a scene: a raster with a pixel per window, and an attribute of each mine."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from mining_the_mines.chips.packing import pack_in_memory
from mining_the_mines.mapping.novelty_raster import measure_novelty
from mining_the_mines.mapping.plan import StoredModel
from mining_the_mines.mapping.scene_map import SceneMap
from mining_the_mines.mapping.scene_maps import map_part
from mining_the_mines.mapping.settings import TilingSettings
from mining_the_mines.models.novelty import Novelty, fit_novelty
from mining_the_mines.models.predictor import Predictor
from support.chip_files import training_folds
from support.scene_files import BANDS, CORNER, WINDOW, ground, load_model, make_here, plan_scene, scene_at, store_model
from support.scene_files import write_scene as write


def load_with_novelty(folder: Path) -> Predictor:
    stored = (folder / "novelty.json").read_text(encoding="utf-8")
    return replace(load_model(folder), novelty=Novelty.model_validate_json(stored))


@pytest.fixture
def model(tmp_path: Path) -> StoredModel:
    chips = [(ground(WINDOW, WINDOW, seed) / 10_000).astype(np.float32) for seed in range(60)]
    packed = pack_in_memory(chips, [f"{number}.tif" for number in range(60)], BANDS)
    stored = store_model(tmp_path / "model")
    novelty = fit_novelty(packed, training_folds(packed))
    (stored.folder / "novelty.json").write_text(novelty.model_dump_json(), encoding="utf-8")
    return replace(stored, load=load_with_novelty)


@pytest.fixture
def mapped(tmp_path: Path, model: StoredModel) -> SceneMap:
    """A scene of 2 × 3 windows, the last a little narrower, whose left column has no data and whose right is flat."""
    numbers = ground(2 * WINDOW, 3 * WINDOW - 4, seed=99)
    numbers[:, :, :WINDOW] = 0
    numbers[:, :, 2 * WINDOW :] = 9_000
    return make_here(plan_scene(scene_at(write(tmp_path / "north.tif", numbers)), model), tmp_path / "maps")


def test_raster(mapped: SceneMap) -> None:
    with rasterio.open(mapped.folder / "novelty.tif") as raster:
        percentiles = raster.read(1)
        assert (raster.transform.c, raster.transform.f, raster.transform.a) == (*CORNER, 10 * WINDOW)
    assert percentiles.shape == (2, 3)
    assert np.isnan(percentiles[:, 0]).all()
    assert (percentiles[:, 1] < 99).all()
    assert (percentiles[:, 2] == 100).all()


def test_tasks_score_as_the_whole_scene_does(tmp_path: Path, model: StoredModel) -> None:
    scene = scene_at(write(tmp_path / "north.tif", ground(5 * WINDOW + 3, 2 * WINDOW + 5, seed=7)))
    plan = plan_scene(scene, model, tiling=TilingSettings(band_rows=2 * WINDOW))
    parts = plan.parts(tmp_path)
    for part in parts:
        map_part(plan, part)
    by_tasks, whole = (measure_novelty(plan.probability, known) for known in (parts, []))
    assert by_tasks is not None
    assert whole is not None
    np.testing.assert_array_equal(by_tasks.percentiles, whole.percentiles)
    assert 0 < len({row for part in parts for row in part.read_novelty()}) < len(whole.percentiles)


def test_record_and_item(mapped: SceneMap) -> None:
    assert mapped.record.unlike_share == 0.5
    assert '"novelty"' in (mapped.folder / "item.json").read_text(encoding="utf-8")


def test_attribute_of_mines(mapped: SceneMap) -> None:
    flat = mapped.mines.geometry.area.idxmax()
    assert mapped.mines.loc[flat, "novelty"] == 100
    assert mapped.mines["novelty"].notna().all()


def test_model_of_an_earlier_version(tmp_path: Path) -> None:
    scene = scene_at(write(tmp_path / "north.tif", ground(40, 40)))
    older = make_here(plan_scene(scene, store_model(tmp_path / "model")), tmp_path / "maps")
    assert not (older.folder / "novelty.tif").exists()
    assert older.record.unlike_share is None
    assert older.mines["novelty"].isna().all()
