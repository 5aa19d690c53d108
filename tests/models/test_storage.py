"""Models in folders: they come back the same, without pickle, and old folders are refused in a sentence."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.models import SegmenterDataset, TrainedModelDataset, TrainedModelsDataset
from mining_the_mines.models.complete import MineClassifier, MineSegmenter
from mining_the_mines.models.kinds import TrainedModel
from mining_the_mines.models.storage import (
    MODEL,
    WEIGHTS,
    load_classifier,
    load_complete,
    load_model,
    load_models,
    save_complete,
    save_model,
)
from support.networks import complete_segmenter, random_reflectance, small_spec, trained_classifier


def chips(size: int = 16) -> np.ndarray:
    """Four chips, one with a gap."""
    reflectance = random_reflectance(4, size=size)
    reflectance[0, :, 2:5] = np.nan
    return reflectance


def segmenter() -> MineSegmenter:
    """A segmenter with a threshold that single precision can't hold."""
    return complete_segmenter(0.3719, members=2, size=48)


def same(one: TrainedModel, other: TrainedModel) -> bool:
    pairs = zip(one.members, other.members, strict=True)
    return (one.kind, one.layout) == (other.kind, other.layout) and all(
        torch.equal(ours[name], theirs[name]) for ours, theirs in pairs for name in theirs
    )


@pytest.mark.parametrize("chosen", ["trees", "logistic", "network", "blend"])
def test_classifier(chosen: str, classifier: MineClassifier, tmp_path: Path) -> None:
    stored = replace(classifier, chosen=chosen)
    save_complete(stored, tmp_path)
    loaded = load_classifier(tmp_path)
    found = loaded.predict(chips())
    np.testing.assert_array_equal(found, stored.predict(chips()))
    assert ((found > 0) & (found < 1)).all()
    for name in ("chosen", "threshold", "chips", "blend"):
        assert getattr(loaded, name) == getattr(stored, name)
    assert all(same(loaded.models[name], model) for name, model in stored.models.items())


def test_segmenter(tmp_path: Path) -> None:
    stored = segmenter()
    save_complete(stored, tmp_path)
    loaded = load_complete(tmp_path)
    np.testing.assert_array_equal(loaded.predict(chips(48)), stored.predict(chips(48)))
    assert (loaded.threshold, loaded.chips, loaded.window) == (0.3719, stored.chips, 48)


def test_no_pickle(classifier: MineClassifier, tmp_path: Path) -> None:
    save_complete(classifier, tmp_path)
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        else:
            load_file(path)  # safetensors by its own check


def test_equal_models_are_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        save_model(trained_classifier(2, "flips"), tmp_path / name)
    ours, theirs = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "other"))
    assert ours == theirs


def test_datasets(classifier: MineClassifier, tmp_path: Path) -> None:
    models = TrainedModelsDataset(filepath=str(tmp_path / "models"))
    models.save(dict(classifier.models))
    assert list(models.load()) == ["trees", "logistic", "network"]
    one = TrainedModelDataset(filepath=str(tmp_path / "one"))
    one.save(classifier.models["network"])
    assert same(one.load(), classifier.models["network"])
    complete = SegmenterDataset(filepath=str(tmp_path / "segmenter"))
    complete.save(segmenter())
    assert complete.load().source is not None


def test_no_download(tmp_path: Path) -> None:
    model = trained_classifier(1)
    spec = small_spec().model_copy(update={"pretrained": str(tmp_path / "gone.safetensors")})
    save_model(replace(model, kind=model.kind.model_copy(update={"network": spec})), tmp_path)
    found = load_model(tmp_path).module(torch.from_numpy(chips(48)))
    torch.testing.assert_close(found, model.module(torch.from_numpy(chips(48))))


def test_weights_of_another_network(tmp_path: Path) -> None:
    save_model(trained_classifier(1), tmp_path)
    tensors = load_file(tmp_path / WEIGHTS)
    save_file({name.replace("0.", "0.other.", 1): tensor for name, tensor in tensors.items()}, tmp_path / WEIGHTS)
    with pytest.raises(RuntimeError, match="Missing key"):
        _ = load_model(tmp_path).module


@pytest.mark.parametrize("load", [load_model, load_models, load_classifier, load_complete])
def test_earlier_version(load: object, tmp_path: Path) -> None:
    (tmp_path / "trees.skops").write_bytes(b"")
    (tmp_path / "network.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BadInputError, match=r"holds no model that this version can read .*: train again"):
        load(tmp_path)  # type: ignore[operator] # one of the functions above


def test_settings_of_another_version(tmp_path: Path) -> None:
    save_model(trained_classifier(1), tmp_path)
    description = json.loads((tmp_path / MODEL).read_text(encoding="utf-8"))
    description["kind"]["gradient_clip"] = 1.0
    (tmp_path / MODEL).write_text(json.dumps(description), encoding="utf-8")
    with pytest.raises(BadInputError, match=r"there is no gradient_clip; another version .*, so train again\.$"):
        load_model(tmp_path)
