"""The complete segmenter: what it is given, what it gives, and that it comes back from its folder unchanged."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.datasets.models import SegmenterDataset
from mining_the_mines.models.ensemble_files import StoredEnsemble
from mining_the_mines.models.mine_segmenter import MineSegmenter
from mining_the_mines.models.model_files import load_segmenter, save_segmenter
from support.networks import SIX_BANDS, random_reflectance, small_outline_ensemble, small_segmenter_spec

THRESHOLD = 0.3719


def segmenter() -> MineSegmenter:
    """Two segmenters with random weights, and a threshold that single precision can't hold."""
    ensemble = small_outline_ensemble(2, "flips")
    ensemble.threshold.copy_(torch.tensor(THRESHOLD, dtype=torch.float64))
    chips = ChipSettings(bands=SIX_BANDS, scale=5_000, nodata=7, size=48)
    return MineSegmenter(chips, StoredEnsemble(ensemble, small_segmenter_spec(), 48))


def chips_with_a_gap(size: int = 48) -> np.ndarray:
    """Three chips; the first lacks one band in a corner."""
    reflectance = random_reflectance(3, size=size)
    reflectance[0, 2, :5, :7] = np.nan
    return reflectance


def test_an_outliner_read_back_draws_identical_maps(tmp_path: Path) -> None:
    stored = segmenter()
    save_segmenter(stored, tmp_path)
    chips = chips_with_a_gap()
    np.testing.assert_array_equal(load_segmenter(tmp_path).predict(chips), stored.predict(chips))


def test_threshold_and_the_way_chips_are_read_come_back(tmp_path: Path) -> None:
    stored = segmenter()
    save_segmenter(stored, tmp_path)
    loaded = load_segmenter(tmp_path)
    assert loaded.threshold == stored.threshold == THRESHOLD
    assert loaded.chips == stored.chips
    assert loaded.network.spec == stored.network.spec


def test_maps_are_probabilities_but_for_pixels_that_lack_a_band() -> None:
    maps = segmenter().predict(chips_with_a_gap())
    assert maps.dtype == np.float32
    assert maps.shape == (3, 48, 48)
    gap = np.zeros(maps.shape, dtype=bool)
    gap[0, :5, :7] = True
    np.testing.assert_array_equal(np.isnan(maps), gap)
    assert ((maps[~gap] > 0) & (maps[~gap] < 1)).all()


@pytest.mark.parametrize("shape", [(40, 72), (64, 64)])
def test_chips_may_have_another_size_than_in_training(shape: tuple[int, int]) -> None:
    chips = np.full((1, len(SIX_BANDS), *shape), 0.2, dtype=np.float32)
    assert segmenter().predict(chips).shape == (1, *shape)


def test_nothing_in_the_folder_is_a_pickle(tmp_path: Path) -> None:
    SegmenterDataset(filepath=str(tmp_path / "segmenter")).save(segmenter())
    files = list((tmp_path / "segmenter").iterdir())
    assert {path.suffix for path in files} == {".json", ".safetensors"}
    for path in files:
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
    assert SegmenterDataset(filepath=str(tmp_path / "segmenter")).load().threshold == THRESHOLD


def test_a_folder_without_an_outliner_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"chips\.json"):
        load_segmenter(tmp_path)
