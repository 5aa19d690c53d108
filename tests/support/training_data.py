"""Chips that can be told apart, dealt out to folds, and short trainings on them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mining_the_mines.chips.packing import PackedChips, pack_in_memory
from mining_the_mines.chips.statistics import BandStatistics, summarise_bands
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.models.cross_validation import CrossValidation, cross_validate
from mining_the_mines.models.kinds import ChipLayout, LabelledChips
from mining_the_mines.models.networks import ClassifierNetworks

BANDS = ("B4", "B8", "B11")
SIZE = 32
CHIPS_A_PLACE = 3
#: Batch norm's running means are state beside the weights; with so few steps it learns less well than layer norm.
BATCH_NORM = {"architecture": "test_efficientnet", "input_size": SIZE, "indices": ["NDVI"]}


@dataclass(frozen=True)
class TrainingData:
    """What training reads."""

    packed: PackedChips
    folds: pd.DataFrame
    statistics: dict[str, BandStatistics]

    def with_flipped_labels(self, fold: int) -> "TrainingData":
        """The same, but mines of a fold are called none, and the other way round."""
        folds = self.folds.copy()
        chosen = folds["fold"] == fold
        folds.loc[chosen, "label"] = 1 - folds.loc[chosen, "label"]
        return TrainingData(self.packed, folds, self.statistics)

    def labelled(self) -> LabelledChips:
        """The training split."""
        return LabelledChips(self.packed, self.folds[self.folds["split"] == "train"], self.statistics)

    def in_fold(self, fold: int) -> list[str]:
        """Names of a fold's chips."""
        names: list[str] = self.folds.loc[self.folds["fold"] == fold, "filename"].tolist()
        return names


def separable_chips(chips: int = 48, folds: int = 2, seed: int = 0) -> TrainingData:
    """Noise, brighter in B11 in the middle where there is a mine; three chips per place, the last for the test."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(chips) % 2)
    images = random.normal(0.2, 0.03, (chips, len(BANDS), SIZE, SIZE)).astype(np.float32)
    images[labels == 1, 2, 8:24, 8:24] += 0.25
    images[0, :, :2, :2] = np.nan
    names = [f"chip_{number:03d}.tif" for number in range(chips)]
    place = np.arange(chips) // CHIPS_A_PLACE
    test = place == place.max()
    table = pd.DataFrame(
        {
            "filename": names,
            "label": labels,
            "place": [f"place-{number}" for number in place],
            "split": np.where(test, "test", "train"),
            "fold": pd.Series(place % folds, dtype="Int64").mask(test),
        }
    )
    packed = pack_in_memory(list(images), names, BANDS)
    return TrainingData(packed, table, summarise_bands(packed, table))


def quick_settings(**changes: object) -> ClassifierNetworks:
    """A network of a few layers and few epochs."""
    settings: dict[str, object] = {
        "network": {"architecture": "test_convnext", "input_size": SIZE, "indices": ["NDVI"]},
        "epochs": 6,
        "batch_size": 8,
        "learning_rate": 3e-3,
        "warmup_epochs": 1,
        "test_time_augmentation": "none",
        "accelerator": "cpu",
    }
    return ClassifierNetworks.model_validate(settings | changes)


def train(
    data: TrainingData,
    folder: Path,
    settings: ClassifierNetworks | None = None,
    workers: int = 1,
    dask: DaskSettings | None = None,
) -> CrossValidation:
    """Cross-validate in a folder."""
    layout = ChipLayout(bands=BANDS, chip_size=SIZE)
    kinds = {"network": settings or quick_settings()}
    return cross_validate(kinds, data.labelled(), layout, folder, workers, dask)["network"]


def by_chip(result: CrossValidation) -> "pd.Series[float]":
    """Out-of-fold probability of each chip, by its name."""
    return pd.Series(result.probabilities, index=list(result.filenames))
