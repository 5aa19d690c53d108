"""Small classifiers and outliners, exported, and the chips to ask them about."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mining_the_mines.chips.features import FeatureSettings, extract_features
from mining_the_mines.chips.packing import pack_in_memory
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.models.baseline import fit_baseline
from mining_the_mines.models.blend import Blend
from mining_the_mines.models.ensemble_files import StoredEnsemble
from mining_the_mines.models.export import export_classifier, export_segmenter
from mining_the_mines.models.mine_classifier import MineClassifier, ModelName
from mining_the_mines.models.mine_segmenter import MineSegmenter
from mining_the_mines.models.settings import BaselineSettings
from support.networks import (
    SIX_BANDS,
    SIZE,
    random_reflectance,
    small_ensemble,
    small_outline_ensemble,
    small_segmenter_spec,
    small_spec,
)

FEATURES = FeatureSettings(indices=("NDVI", "EVI"))
FEW_TREES = BaselineSettings(iterations=8, bag=2, min_samples_leaf=4, max_features=0.5)


def chips_to_ask_about(count: int = 12, seed: int = 7) -> NDArray[np.float32]:
    """Chips of another seed than those learnt from; two of them with gaps."""
    chips = random_reflectance(count, size=SIZE, seed=seed)
    chips[0, :, 2:9, 5:20] = np.nan
    chips[1, 3, 20:] = np.nan
    return chips


def small_detector(chosen: ModelName = "baseline") -> MineClassifier:
    """Trees on every family of features, networks of a few layers, and a blend of both."""
    chips = random_reflectance(40, size=SIZE, seed=1)
    chips[::2, 4:, 8:24, 8:24] += 0.1
    chips[2, :, :3] = np.nan
    names = [f"chip_{number}.tif" for number in range(len(chips))]
    folds = pd.DataFrame(
        {
            "filename": names,
            "label": 1 - np.arange(len(chips)) % 2,
            "place": [f"place-{number // 2}" for number in range(len(chips))],
            "split": "train",
            "fold": (np.arange(len(chips)) // 2) % 3,
        }
    )
    features = extract_features(pack_in_memory(list(chips), names, SIX_BANDS), FEATURES)
    return MineClassifier(
        chosen=chosen,
        threshold=0.4321,
        chips=ChipSettings(bands=SIX_BANDS, size=SIZE),
        features=FEATURES,
        baseline=fit_baseline(features, folds, FEW_TREES).baseline,
        network=StoredEnsemble(small_ensemble(2, "flips"), small_spec(), SIZE),
        blend=Blend(weights={"baseline": 0.7, "network": 0.4}, intercept=-0.1),
    )


def small_outliner() -> MineSegmenter:
    """U-Nets of a few layers."""
    network = StoredEnsemble(small_outline_ensemble(2, "flips"), small_segmenter_spec(), SIZE)
    return MineSegmenter(ChipSettings(bands=SIX_BANDS, size=SIZE), network)


def exported(model: MineClassifier | MineSegmenter, folder: Path) -> Path:
    """Export a model into a new folder."""
    folder.mkdir()
    if isinstance(model, MineClassifier):
        export_classifier(model, folder)
    else:
        export_segmenter(model, folder)
    return folder
