"""Ensembles in folders."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mining_the_mines.models.ensemble_files import DESCRIPTION, WEIGHTS, StoredEnsemble, load_ensemble, save_ensemble
from support.networks import (
    SIX_BANDS,
    random_chips,
    small_ensemble,
    small_outline_ensemble,
    small_segmenter_spec,
    small_spec,
)


def store(folder: Path, architecture: str = "test_efficientnet", **changes: object) -> StoredEnsemble:
    spec = small_spec(architecture, **changes)
    stored = StoredEnsemble(small_ensemble(2, "flips", threshold=0.37, spec=spec), spec, 48)
    save_ensemble(stored, folder)
    return stored


@pytest.mark.parametrize("architecture", ["test_efficientnet", "test_maxvit"])
def test_an_ensemble_read_back_gives_identical_probabilities(tmp_path: Path, architecture: str) -> None:
    stored = store(tmp_path, architecture)
    chips = random_chips(size=48)
    assert torch.equal(load_ensemble(tmp_path).ensemble(chips), stored.ensemble(chips))


def test_segmenters_read_back_draw_identical_maps(tmp_path: Path) -> None:
    stored = StoredEnsemble(small_outline_ensemble(2, "flips"), small_segmenter_spec(), 48)
    save_ensemble(stored, tmp_path)
    loaded = load_ensemble(tmp_path)
    chips = random_chips(size=48)
    assert torch.equal(loaded.ensemble(chips), stored.ensemble(chips))
    assert loaded.spec == stored.spec


def test_threshold_and_specification_come_back(tmp_path: Path) -> None:
    stored = store(tmp_path)
    loaded = load_ensemble(tmp_path)
    assert float(loaded.ensemble.threshold) == 0.37
    assert (loaded.spec, loaded.chip_size) == (stored.spec, stored.chip_size)
    assert loaded.ensemble.test_time_augmentation == "flips"


def test_the_description_can_be_read_by_people(tmp_path: Path) -> None:
    store(tmp_path)
    description = json.loads((tmp_path / DESCRIPTION).read_text(encoding="utf-8"))
    assert description["bands"] == list(SIX_BANDS)
    assert description["chip_size"] == 48
    assert description["members"] == 2
    assert description["network"]["architecture"] == "test_efficientnet"


def test_the_folder_holds_json_and_safetensors_only(tmp_path: Path) -> None:
    store(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {WEIGHTS, DESCRIPTION}
    load_file(tmp_path / WEIGHTS)  # safetensors by its own check
    json.loads((tmp_path / DESCRIPTION).read_text(encoding="utf-8"))


def test_published_weights_are_not_fetched_again(tmp_path: Path) -> None:
    stored = store(tmp_path)
    spec = stored.spec.model_copy(update={"pretrained": True, "pretrained_file": tmp_path / "gone.safetensors"})
    save_ensemble(StoredEnsemble(stored.ensemble, spec, 48), tmp_path)
    assert load_ensemble(tmp_path).spec == spec


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    store(tmp_path)
    tensors = load_file(tmp_path / WEIGHTS)
    save_file({f"other.{name}": tensor for name, tensor in tensors.items()}, tmp_path / WEIGHTS)
    with pytest.raises(RuntimeError, match="Missing key"):
        load_ensemble(tmp_path)


def test_a_folder_without_a_network_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="network"):
        load_ensemble(tmp_path)
