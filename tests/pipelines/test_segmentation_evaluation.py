"""Segmentations are scored on chips that no network has seen, and their threshold never looks at the test split."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from mining_the_mines.chips.planes import PackedPlanes, planes_in_memory
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.pipelines.evaluation import create_pipeline
from mining_the_mines.pipelines.evaluation.segmentation_nodes import (
    choose_threshold,
    compare_chip_scores,
    complete_segmenter,
    score_segmentation,
    segment_test_chips,
)
from support.networks import SIX_BANDS
from support.scored_segmentation import SIZE
from support.segmented_chips import (
    CHIPS,
    GRIDS,
    NAMES,
    PAIRS,
    SETTINGS,
    TRAIN,
    chip_scores,
    folds_table,
    maps_of,
    masks_of,
    network,
    packed,
)


def evaluate(test_maps: PackedPlanes) -> "pd.Series[float]":
    """IoU of each split with the threshold that the pipeline chooses."""
    inputs = {
        "segmentation.masks": masks_of(),
        "segmentation.probability_maps": maps_of(NAMES[:TRAIN]),
        "segmentation.test_probability_maps": test_maps,
        "folds": folds_table(),
        "params:segmentation.evaluation": SETTINGS,
    }
    catalog = DataCatalog({name: MemoryDataset(value) for name, value in inputs.items()})
    pipeline = create_pipeline().only_nodes("segmentation.choose_threshold", "segmentation.score_segmentation")
    scores = SequentialRunner().run(pipeline, catalog)["segmentation.scores"].load()
    iou: pd.Series[float] = scores[scores["metric"] == "iou"].set_index("split")["value"]
    return iou


def test_threshold_ignores_the_test_split() -> None:
    right, wrong = (evaluate(maps_of(NAMES[TRAIN:], wrong=wrong)) for wrong in (False, True))
    assert right["out-of-fold"] == wrong["out-of-fold"]
    assert right["test"] > 2 * wrong["test"]
    chooses = create_pipeline().only_nodes("segmentation.choose_threshold")
    assert not [name for name in chooses.inputs() if "test" in name]


def test_maps_of_test_chips(tmp_path: Path) -> None:
    maps = segment_test_chips(packed(), masks_of(), folds_table(), network(), SETTINGS, tmp_path)
    assert maps.filenames == tuple(NAMES[TRAIN:])
    assert maps.grids == tuple(GRIDS[TRAIN:])
    segmenter = complete_segmenter(
        network(), {"threshold": 0.5}, ChipSettings(bands=SIX_BANDS), packed(), folds_table()
    )
    expected = segmenter.predict(np.stack([packed().reflectance(row) for row in range(TRAIN, CHIPS)]))
    np.testing.assert_allclose(maps.array, expected, atol=1e-3)


def test_no_test_split(tmp_path: Path) -> None:
    folds = folds_table().head(TRAIN)
    maps = segment_test_chips(packed(), masks_of(), folds, network(), SETTINGS, tmp_path)
    assert (len(maps), maps.size) == (0, (SIZE, SIZE))
    scores, chips = score_segmentation(
        masks_of(), maps_of(NAMES[:TRAIN]), maps_of([]), {"threshold": 0.5}, folds, SETTINGS
    )
    assert set(scores["split"]) == {"out-of-fold"}
    assert chips["filename"].tolist() == NAMES[:TRAIN]


def test_chips_without_mask(tmp_path: Path) -> None:
    placed = [name for name in NAMES if name not in {NAMES[0], NAMES[-1]}]
    maps = segment_test_chips(packed(), masks_of(placed), folds_table(), network(), SETTINGS, tmp_path)
    assert maps.filenames == tuple(NAMES[TRAIN:-1])
    trained, tested = placed[: TRAIN - 1], placed[TRAIN - 1 :]
    _, chips = score_segmentation(
        masks_of(placed), maps_of(trained), maps_of(tested), {"threshold": 0.5}, folds_table(), SETTINGS
    )
    assert chips["filename"].tolist() == placed


def test_hectares_of_pixels() -> None:
    _, chips = score_segmentation(
        masks_of(), maps_of(NAMES[:TRAIN]), maps_of(NAMES[TRAIN:]), {"threshold": 0.5}, folds_table(), SETTINGS
    )
    known = {name: (mask == 1) & ~np.isnan(probability) for name, (probability, mask) in PAIRS.items()}
    expected = [known[name].sum() * 0.01 for name in chips["filename"]]
    np.testing.assert_allclose(chips["true_hectares"], expected)


def classified(names: list[str]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Predictions of two classifiers of which one was chosen."""
    chips = folds_table().set_index("filename").loc[names].reset_index()
    chips["label"] = [int((PAIRS[name][1] == 1).any()) for name in names]
    right = chips["label"] * 0.6 + 0.2
    both = [chips.assign(model="network", probability=right), chips.assign(model="trees", probability=1 - right)]
    return pd.concat(both), {"chosen": "network", "thresholds": {"network": 0.5, "trees": 0.4}}


def test_segmenter_and_classifier_on_the_same_chips() -> None:
    placed = NAMES[1:]
    table = compare_chip_scores(chip_scores(placed), SETTINGS, *classified(NAMES))
    auc = table[(table["metric"] == "roc_auc") & table["category_excluded"].isna()].set_index(["model", "split"])
    assert set(auc.index) == {(model, split) for model in ("segmenter", "network") for split in ("out-of-fold", "test")}
    assert auc["value"]["network", "test"] == 1
    assert auc["chips"].to_dict() == {key: TRAIN - 1 if key[1] == "out-of-fold" else CHIPS - TRAIN for key in auc.index}


def test_every_chip_shows_a_mine(caplog: pytest.LogCaptureFixture) -> None:
    chips = chip_scores()
    mines = chips[chips["true_hectares"] > 0]
    table = compare_chip_scores(mines, SETTINGS)
    assert table.empty
    assert {"split", "model", "metric", "value", "low", "high"} <= set(table.columns)
    assert "All chips show a mine, or none" in caplog.text


def test_maps_of_another_size() -> None:
    small = planes_in_memory(np.zeros((TRAIN, 16, 16), np.float16), NAMES[:TRAIN], GRIDS[:TRAIN])
    with pytest.raises(BadInputError, match=r"^Maps of 16 × 16 pixels can't be compared with masks of 32 × 32"):
        choose_threshold(masks_of(), small, SETTINGS)
