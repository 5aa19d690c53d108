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
from mining_the_mines.models.kinds import ChipLayout, MaskedChips
from mining_the_mines.models.networks import SegmenterNetworks
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


def quick_outline_settings(**changes: object) -> SegmenterNetworks:
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
    return SegmenterNetworks.model_validate(settings | changes)


def masked_chips(data: OutlineData, cutting: WindowSettings | None = None) -> MaskedChips:
    """What training of outlines reads, of the training split."""
    folds = data.chips.folds
    return MaskedChips(
        data.chips.packed,
        folds[folds["split"] == "train"],
        data.chips.statistics,
        masks=data.masks,
        windows=data.windows,
        cutting=cutting or WindowSettings(),
    )


def train_outlines(
    data: OutlineData,
    folder: Path,
    settings: SegmenterNetworks | None = None,
    cutting: WindowSettings | None = None,
) -> CrossValidation:
    """Cross-validate in a folder."""
    kinds = {"segmenter": settings or quick_outline_settings()}
    layout = ChipLayout(bands=BANDS, chip_size=SIZE)
    return cross_validate(kinds, masked_chips(data, cutting), layout, folder)["segmenter"]


def iou_of(result: CrossValidation, data: OutlineData) -> float:
    """Data-set IoU of the out-of-fold maps at 0.5."""
    masks = data.masks.array[data.masks.rows(result.filenames)]
    called, mine = result.probabilities >= 0.5, masks == 1
    return float((called & mine).sum() / (called | mine).sum())
