"""Baselines and complete classifiers in folders."""

import dataclasses
import io
import json
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from mining_the_mines.chips.features import extract_features
from mining_the_mines.models.mine_classifier import MineClassifier
from mining_the_mines.models.model_files import (
    TREES,
    load_baseline,
    load_classifier,
    save_baseline,
    save_classifier,
)
from support.chip_files import packed_chips
from support.classifiers import FEATURES
from support.feature_tables import fitted, telling_table
from support.networks import random_reflectance


@pytest.mark.parametrize("chosen", ["baseline", "network", "blend"])
def test_a_detector_read_back_predicts_the_same(
    chosen: Literal["baseline", "network", "blend"], classifier: MineClassifier, tmp_path: Path
) -> None:
    stored = dataclasses.replace(classifier, chosen=chosen)
    save_classifier(stored, tmp_path)
    chips = random_reflectance(4, size=16)
    chips[0, :, 2:5] = np.nan
    loaded = load_classifier(tmp_path)
    assert np.array_equal(loaded.predict(chips), stored.predict(chips))
    assert ((loaded.predict(chips) > 0) & (loaded.predict(chips) < 1)).all()


def test_the_choice_decides_who_predicts(classifier: MineClassifier) -> None:
    chips = random_reflectance(4, size=16)
    by_trees = dataclasses.replace(classifier, chosen="baseline").predict(chips)
    by_network = dataclasses.replace(classifier, chosen="network").predict(chips)
    blended = classifier.blend.predict({"baseline": by_trees, "network": by_network})
    np.testing.assert_allclose(classifier.predict(chips), blended)
    assert not np.allclose(by_trees, by_network)


def test_the_baseline_sees_the_features_that_it_was_trained_on(classifier: MineClassifier) -> None:
    packed = packed_chips(4)
    expected = classifier.baseline.predict(extract_features(packed, FEATURES))
    chips = np.stack([packed.reflectance(row) for row in range(4)])
    found = dataclasses.replace(classifier, chosen="baseline").predict(chips)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_everything_but_weights_comes_back_equal(classifier: MineClassifier, tmp_path: Path) -> None:
    save_classifier(classifier, tmp_path)
    loaded = load_classifier(tmp_path)
    for name in ("chosen", "threshold", "chips", "features", "blend"):
        assert getattr(loaded, name) == getattr(classifier, name)


def test_nothing_in_the_folder_is_a_pickle(classifier: MineClassifier, tmp_path: Path) -> None:
    save_classifier(classifier, tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors", ".skops"}
    for path in tmp_path.glob("*.json"):
        json.loads(path.read_text(encoding="utf-8"))
    with zipfile.ZipFile(tmp_path / TREES) as archive:
        for name in archive.namelist():
            assert name.endswith((".json", ".npy"))
            if name.endswith(".npy"):
                np.load(io.BytesIO(archive.read(name)), allow_pickle=False)


class Stranger:
    """Anything that is no boosted tree."""

    def __init__(self) -> None:
        self.command = "rm"


def test_trees_that_hold_something_else_are_refused(tmp_path: Path) -> None:
    save_baseline(fitted().baseline, tmp_path)
    skops.io.dump([[Stranger()]], tmp_path / TREES)
    with pytest.raises(UntrustedTypesFoundException, match="Stranger"):
        load_baseline(tmp_path)


def test_a_baseline_read_back_predicts_the_same(tmp_path: Path) -> None:
    baseline = fitted().baseline
    save_baseline(baseline, tmp_path)
    features, _ = telling_table()
    assert np.array_equal(load_baseline(tmp_path).predict(features), baseline.predict(features))


def test_a_folder_without_a_detector_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"classifier\.json"):
        load_classifier(tmp_path)
