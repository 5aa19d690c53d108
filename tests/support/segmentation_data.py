"""Chips with a bright square in B11 for a mine, their masks, and short trainings on them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from affine import Affine
from rasterio.crs import CRS

from mining_the_mines.chips.masks import UNKNOWN
from mining_the_mines.chips.planes import PackedPlanes, planes_in_memory
from mining_the_mines.chips.windows import WindowSettings
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.models.cross_validation import CrossValidation, cross_validate
from mining_the_mines.models.segmentation import SegmentationTask
from mining_the_mines.models.settings import SegmenterTrainingSettings
from mining_the_mines.models.workspace import Workspace
from support.training_data import BANDS, SIZE, TrainingData, separable_chips

SMALL_UNET = {"encoder_depth": 2, "decoder_channels": [16, 8]}


@dataclass(frozen=True)
class OutlineData:
    """What training of outlines reads."""

    chips: TrainingData
    masks: PackedPlanes
    windows: pd.DataFrame


def outlined_chips(chips: int = 24) -> OutlineData:
    """The mine is the bright square; every chip is a window."""
    data = separable_chips(chips)
    labels = data.folds["label"].to_numpy()
    planes = np.zeros((chips, SIZE, SIZE), dtype=np.uint8)
    planes[labels == 1, 8:24, 8:24] = 1
    planes[0, :2, :2] = UNKNOWN
    grids = [ChipGrid(CRS.from_epsg(32721), Affine(10, 0, 10_000 * n, 0, -10, 9e6), SIZE, SIZE) for n in range(chips)]
    names = data.folds["filename"]
    windows = pd.DataFrame(
        {"filename": names, "row": 0, "column": 0, "size": SIZE, "kind": np.where(labels == 1, "mine", "other")}
    )
    return OutlineData(data, planes_in_memory(planes, list(names), grids), windows)


def quick_outline_settings(**changes: object) -> SegmenterTrainingSettings:
    """A U-Net of a few layers and few epochs."""
    settings: dict[str, object] = {
        "network": {"encoder": "tu-test_efficientnet", "indices": ["NDVI"], "overrides": SMALL_UNET},
        "epochs": 8,
        "batch_size": 4,
        "learning_rate": 1e-2,
        "warmup_epochs": 1,
        "test_time_augmentation": "none",
        "accelerator": "cpu",
    }
    return SegmenterTrainingSettings.model_validate(settings | changes)


def task_of(
    data: OutlineData, settings: SegmenterTrainingSettings | None = None, cutting: WindowSettings | None = None
) -> SegmentationTask:
    """The question where the squares are."""
    return SegmentationTask(
        data.chips.packed, data.masks, data.windows, cutting or WindowSettings(), settings or quick_outline_settings()
    )


def train_outlines(
    data: OutlineData,
    folder: Path,
    settings: SegmenterTrainingSettings | None = None,
    cutting: WindowSettings | None = None,
) -> CrossValidation:
    """Cross-validate in a folder."""
    task = task_of(data, settings, cutting)
    return cross_validate(task, data.chips.folds, data.chips.statistics, Workspace(folder))


def iou_of(result: CrossValidation, data: OutlineData) -> float:
    """Data-set IoU of the out-of-fold maps at 0.5."""
    masks = data.masks.array[data.masks.rows(result.filenames)]
    called, mine = result.probabilities >= 0.5, masks == 1
    return float((called & mine).sum() / (called | mine).sum())


__all__ = [
    "BANDS", "SIZE", "OutlineData", "iou_of", "outlined_chips", "quick_outline_settings", "task_of", "train_outlines",
]  # fmt: skip
