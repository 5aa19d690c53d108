"""Training segmenters fold by fold: the core is the classifier's, the question another."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from mining_the_mines.chips.masks import UNKNOWN
from mining_the_mines.chips.planes import planes_in_memory
from mining_the_mines.chips.windows import WindowSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.cross_validation import CrossValidation
from mining_the_mines.models.ensemble import predict_packed
from support.segmentation_data import (
    OutlineData,
    iou_of,
    outlined_chips,
    quick_outline_settings,
    train_outlines,
)
from support.training_data import SIZE

SHORT = quick_outline_settings(epochs=3)


def with_masks(data: OutlineData, planes: NDArray[np.uint8]) -> OutlineData:
    """The same chips with other masks."""
    masks = planes_in_memory(planes, data.masks.filenames, data.masks.grids)
    return OutlineData(data.chips, masks, data.windows)


@pytest.fixture(scope="module")
def data() -> OutlineData:
    return outlined_chips()


@pytest.fixture(scope="module")
def trained(data: OutlineData, tmp_path_factory: pytest.TempPathFactory) -> CrossValidation:
    """A short training that others are compared with."""
    return train_outlines(data, tmp_path_factory.mktemp("outlines"), SHORT)


def test_learns(data: OutlineData, tmp_path: Path) -> None:
    assert iou_of(train_outlines(data, tmp_path, quick_outline_settings(epochs=14)), data) > 0.8


def test_out_of_fold_maps(trained: CrossValidation, data: OutlineData) -> None:
    training = data.chips.folds[data.chips.folds["split"] == "train"]
    assert sorted(trained.filenames) == sorted(training["filename"])
    names = data.chips.in_fold(1)
    second = replace(trained.model, members=trained.model.members[1:])
    maps = predict_packed(second.module, data.chips.packed, names, 4)
    rows = [trained.filenames.index(name) for name in names]
    np.testing.assert_array_equal(maps, trained.probabilities[rows])


def test_no_leak_from_a_fold(trained: CrossValidation, data: OutlineData, tmp_path: Path) -> None:
    planes = data.masks.array.copy()
    rows = data.masks.rows(data.chips.in_fold(0))
    planes[rows] = np.where(planes[rows] == UNKNOWN, UNKNOWN, 1 - planes[rows])
    changed = with_masks(data, planes)
    again = train_outlines(changed, tmp_path, SHORT)
    kept = [again.filenames.index(name) for name in data.chips.in_fold(0)]
    np.testing.assert_array_equal(again.probabilities[kept], trained.probabilities[kept])


def test_same_bits(trained: CrossValidation, data: OutlineData, tmp_path: Path) -> None:
    again = train_outlines(data, tmp_path, SHORT)
    np.testing.assert_array_equal(again.probabilities, trained.probabilities)
    pd.testing.assert_frame_equal(again.curves, trained.curves)


@pytest.mark.parametrize("loss", ["focal", "lovasz"])
def test_losses(loss: str, data: OutlineData, tmp_path: Path) -> None:
    result = train_outlines(data, tmp_path, quick_outline_settings(loss=loss))
    assert iou_of(result, data) > 0.6


def test_crops_and_coarse_networks(data: OutlineData, tmp_path: Path) -> None:
    settings = quick_outline_settings(
        augmentation={"mix_up": 0.2, "rotation": 0.3, "band_dropout": 0.1},
        network={"encoder": "tu-test_efficientnet", "indices": [], "resolution": 0.5, "overrides": {
            "encoder_depth": 2, "decoder_channels": [16, 8]}},
        average_decay=0.9,
    )  # fmt: skip
    result = train_outlines(data, tmp_path, settings, WindowSettings(crop=64, negative_share=0.3))
    assert result.probabilities.shape == (len(result.filenames), SIZE, SIZE)
    assert np.isfinite(result.curves["training_loss"]).all()


def test_no_mine(data: OutlineData, tmp_path: Path) -> None:
    empty = OutlineData(data.chips, data.masks, data.windows.assign(kind="other"))
    with pytest.raises(BadInputError, match="No window of a fold's training chips shows a mine"):
        train_outlines(empty, tmp_path)
