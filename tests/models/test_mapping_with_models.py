"""Complete models that map."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import SceneError
from mining_the_mines.mapping.plan import StoredModel
from mining_the_mines.mapping.probability_raster import joined_rows, read_probability
from mining_the_mines.mapping.settings import TilingSettings
from mining_the_mines.models.complete import MineClassifier, MineSegmenter
from mining_the_mines.models.predictor import ModelSource, WindowClassifier, load_pixel_predictor, look_from
from mining_the_mines.models.storage import save_complete
from support.chip_files import BANDS, write_chip
from support.networks import SIX_BANDS, random_reflectance, trained_segmenter
from support.scene_files import make_here, map_rows, plan_map, plan_scene, scene_at


def segmenter_of(bands: tuple[str, ...], size: int, networks: int = 1) -> MineSegmenter:
    """Random weights."""
    trained = trained_segmenter(networks, bands=bands, size=size, indices=())
    return MineSegmenter(ChipSettings(bands=bands), trained, 0.37)


def stored_outliner(folder: Path, model: MineSegmenter) -> StoredModel:
    folder.mkdir(exist_ok=True)
    save_complete(model, folder)
    return StoredModel(folder, load_pixel_predictor, "segmenter", "1", ModelSource(folder, "1").content_hash())


def whole_map(path: Path, stored: StoredModel, parts: Path, batch: int | None = None) -> npt.NDArray[np.float32]:
    plan = plan_map(path, stored, batch=batch)
    return np.concatenate([rows for _, rows in joined_rows(map_rows(plan, parts))])


def test_one_window(tmp_path: Path) -> None:
    reflectance = random_reflectance(1, size=48)[0].round(4)
    path = write_chip(tmp_path / "chip.tif", reflectance, SIX_BANDS, georeferenced=True)
    stored = stored_outliner(tmp_path / "model", segmenter_of(SIX_BANDS, 48))
    expected = segmenter_of(SIX_BANDS, 48).predict(reflectance[None])[0]
    np.testing.assert_allclose(whole_map(path, stored, tmp_path / "parts"), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (49, 97)])
def test_size_of_scenes(tmp_path: Path, shape: tuple[int, int]) -> None:
    reflectance = np.resize(random_reflectance(1, size=100)[0], (6, *shape))
    path = write_chip(tmp_path / "chip.tif", reflectance, SIX_BANDS, georeferenced=True)
    stored = stored_outliner(tmp_path / "model", segmenter_of(SIX_BANDS, 48))
    found = whole_map(path, stored, tmp_path / "parts")
    assert found.shape == shape
    assert ((found > 0) & (found < 1)).all()


def test_batch_of_windows(tmp_path: Path) -> None:
    # Convolutions of one window are summed up in another order than those of several.
    reflectance = np.resize(random_reflectance(1, size=100)[0], (6, 100, 150))
    path = write_chip(tmp_path / "chip.tif", reflectance, SIX_BANDS, georeferenced=True)
    stored = stored_outliner(tmp_path / "model", segmenter_of(SIX_BANDS, 48))
    maps = [whole_map(path, stored, tmp_path / str(batch), batch=batch) for batch in (None, 1, 3)]
    for other in maps[1:]:
        np.testing.assert_allclose(other, maps[0], atol=1e-6)


def test_disagreement(tmp_path: Path) -> None:
    reflectance = np.resize(random_reflectance(1, size=100)[0], (6, 100, 60)).round(4)
    path = write_chip(tmp_path / "chip.tif", reflectance, SIX_BANDS, georeferenced=True)
    stored = stored_outliner(tmp_path / "model", segmenter_of(SIX_BANDS, 48, networks=3))
    tiling = TilingSettings(overlap=0, blend="crop", band_rows=48)
    settings: dict[str, Any] = {"precision": "float32", "tiling": tiling, "disagreement": True}
    with rasterio.open(
        make_here(plan_scene(scene_at(path), stored, **settings), tmp_path / "maps").probability
    ) as file:
        mean, spread = file.read()
    with rasterio.open(
        make_here(
            plan_scene(scene_at(path), stored, **settings | {"disagreement": False}), tmp_path / "plain"
        ).probability
    ) as file:
        plain = file.read(1)
    np.testing.assert_allclose(mean, plain, atol=1e-6)
    each = segmenter_of(SIX_BANDS, 48, networks=3).predict_each(reflectance[None, :, :48, :48])
    np.testing.assert_allclose(spread[:12, :12], each.std(axis=0)[0, :12, :12], atol=1e-5)
    assert spread.max() > 0.001


def test_disagreement_of_one_network(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "chip.tif", random_reflectance(1, size=48)[0], SIX_BANDS, georeferenced=True)
    stored = stored_outliner(tmp_path / "model", segmenter_of(SIX_BANDS, 48))
    with pytest.raises(SceneError, match=r"segmenter 1 has one network.*mapping.model=ensemble"):
        plan_scene(scene_at(path), stored, disagreement=True)


def test_classifier_maps_windows(classifier: MineClassifier, tmp_path: Path) -> None:
    save_complete(classifier, tmp_path)
    mapper = load_pixel_predictor(tmp_path)
    assert isinstance(mapper, WindowClassifier)
    assert (mapper.chips, mapper.threshold, mapper.window, mapper.coarse) == (classifier.chips, 0.4321, 16, True)
    windows = random_reflectance(2, len(BANDS), 16)
    windows[0, 2, :3, :5] = np.nan
    maps = mapper.predict(windows)
    gap = np.zeros(maps.shape, dtype=bool)
    gap[0, :3, :5] = True
    np.testing.assert_array_equal(np.isnan(maps), gap)
    for window, probability in zip(maps, classifier.predict(windows), strict=True):
        np.testing.assert_allclose(window[~np.isnan(window)], probability, atol=1e-6)


def test_scene_smaller_than_a_chip(classifier: MineClassifier, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    save_complete(classifier, tmp_path / "model")
    stored = StoredModel(tmp_path / "model", load_pixel_predictor, "classifier", "1", "hash")
    path = write_chip(tmp_path / "chip.tif", random_reflectance(1, size=40)[0][:, :9, :40], BANDS, georeferenced=True)
    found = whole_map(path, stored, tmp_path / "parts")
    assert found.shape == (9, 40)
    assert np.isfinite(found).all()


def test_content_hash(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "weights").write_bytes(b"1")
    origin = ModelSource(tmp_path, "1")
    first = origin.content_hash()
    assert replace(origin, registered="2").content_hash() == first
    (tmp_path / "deep" / "weights").write_bytes(b"2")
    second = origin.content_hash()
    (tmp_path / "deep" / "weights").rename(tmp_path / "deep" / "others")
    assert len({first, second, origin.content_hash()}) == 3


@pytest.mark.real_chips
def test_real_chips(real_chips: Path, tmp_path: Path) -> None:
    model = segmenter_of(("B2", "B3", "B4"), 448)
    stored = stored_outliner(tmp_path / "model", model)
    for name in ("img_2.tif", "img_101.tif", "img_100.tif"):
        path = real_chips / "tailings_dams" / "images" / name
        expected = model.predict(model.chips.read(path).reflectance[None])[0]
        found = make_here(plan_scene(scene_at(path), stored, precision="float32"), tmp_path / "maps")
        (_, mapped), *_ = read_probability(found.probability, 10_000)
        np.testing.assert_allclose(mapped, expected, atol=1e-5)
        assert np.nanmax(expected) - np.nanmin(expected) > 0.02
        with rasterio.open(path) as chip:
            assert found.grid.transform == chip.transform


def test_fewer_views_than_the_model(tmp_path: Path) -> None:
    reflectance = random_reflectance(1, size=48)[0].round(4)
    path = write_chip(tmp_path / "chip.tif", reflectance, SIX_BANDS, georeferenced=True)
    trained = trained_segmenter(1, symmetries="dihedral", bands=SIX_BANDS, size=48, indices=())
    model = MineSegmenter(ChipSettings(bands=SIX_BANDS), trained, 0.37)
    stored = stored_outliner(tmp_path / "model", model)
    maps = {}
    for views in (None, "none"):
        plan = plan_map(path, stored, views=views)
        rows = joined_rows(map_rows(plan, tmp_path / str(views)))
        maps[views] = np.concatenate([part for _, part in rows])
    once = look_from(model, "none").predict(reflectance[None])[0]
    np.testing.assert_allclose(maps[None], model.predict(reflectance[None])[0], atol=1e-5)
    np.testing.assert_allclose(maps["none"], once, atol=1e-5)
    assert np.abs(maps["none"] - maps[None]).max() > 1e-4
