"""Training a segmenter: which pixels are mine?"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from torchmetrics.classification import BinaryJaccardIndex

from mining_the_mines.chips.masks import UNKNOWN
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes
from mining_the_mines.chips.windows import WITH_MINE, WindowSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.augmentation import mix_up
from mining_the_mines.models.ensemble import FoldEnsemble
from mining_the_mines.models.packed_data import Batch, decode_batch
from mining_the_mines.models.prediction import predict_packed_maps
from mining_the_mines.models.segmentation_loss import segmentation_loss
from mining_the_mines.models.segmenter import MineSegmenter
from mining_the_mines.models.settings import SegmenterTrainingSettings
from mining_the_mines.models.spectral_input import BandScale
from mining_the_mines.models.training import NetworkTraining
from mining_the_mines.models.window_data import CropDataset, CropSampler, crop_loader, whole_chip_loader


@dataclass(frozen=True)
class SegmentationTask:
    """Chips with masks.

    Attributes:
        packed: All packed chips.
        masks: Masks of those that can be segmented.
        windows: What may be cut out of which chip: ``filename``, ``row``, ``column``, ``size`` and ``kind``.
        cutting: How windows become crops.
        settings: How to train.
    """

    packed: PackedChips
    masks: PackedPlanes
    windows: pd.DataFrame
    cutting: WindowSettings
    settings: SegmenterTrainingSettings

    def new_network(self, scale: BandScale) -> MineSegmenter:
        """A segmenter with fresh weights."""
        return MineSegmenter(self.settings.network, scale)

    def new_training(self, network: MineSegmenter, rows: pd.DataFrame, seed: int) -> "SegmenterTraining":  # noqa: ARG002 - every task's
        """The Lightning module that will train it."""
        return SegmenterTraining(network, self.settings, seed)

    def training_batches(self, rows: pd.DataFrame, seed: int, first_epoch: int) -> DataLoader[Batch]:
        """Crops in a new order every epoch.

        Raises:
            BadInputError: No window of these chips shows a mine.
        """
        names = tuple(rows["filename"])
        windows = self._windows_of(names)
        if not (windows["kind"] == WITH_MINE).any():
            raise BadInputError(
                "No window of a fold's training chips shows a mine: ask for fewer folds, or widen "
                "segmentation.windows.area_percentiles."
            )
        sampler = CropSampler(windows, self._edge(), self.cutting.negative_share, seed)
        return crop_loader(
            CropDataset(self.packed, self.masks, names, self._edge()),
            sampler,
            self.settings.batch_size,
            self.settings.loader_workers,
            first_epoch,
        )

    def ordered_batches(self, rows: pd.DataFrame) -> DataLoader[Batch]:
        """Whole chips in their order."""
        return whole_chip_loader(
            CropDataset(self.packed, self.masks, tuple(rows["filename"])), self.settings.batch_size
        )

    def can_stop_on(self, rows: pd.DataFrame) -> bool:
        """Whether a mine is there."""
        return bool((self._windows_of(tuple(rows["filename"]))["kind"] == WITH_MINE).any())

    def predict(self, ensemble: FoldEnsemble, filenames: Sequence[str]) -> NDArray[np.floating]:
        """Probability of a mine for each pixel, ``(N, H, W)``."""
        return predict_packed_maps(ensemble, self.packed, filenames, self.settings.batch_size)

    def fingerprint(self, rows: pd.DataFrame) -> dict[str, str]:
        """Chips, masks, windows, and who is in which fold."""
        assignment = rows[["filename", "place", "fold"]].to_csv(index=False)
        windows = self.windows.to_csv(index=False) + self.cutting.model_dump_json()
        return {
            "chips": self.packed.content_hash,
            "masks": self.masks.content_hash,
            "windows": hashlib.sha256(windows.encode()).hexdigest(),
            "folds": hashlib.sha256(assignment.encode()).hexdigest(),
        }

    def _edge(self) -> int | None:
        """Edge of a crop: as it is set, or else that of the largest window; ``None`` for whole chips."""
        if self.cutting.crop is not None or self.cutting.cut == "chip":
            return self.cutting.crop
        return int(self.windows["size"].max())

    def _windows_of(self, filenames: tuple[str, ...]) -> pd.DataFrame:
        numbers = pd.Series(np.arange(len(filenames)), index=list(filenames))
        chosen = self.windows[self.windows["filename"].isin(filenames)]
        return chosen.assign(chip=chosen["filename"].map(numbers))


class SegmenterTraining(NetworkTraining):
    """Optimises a segmenter on batches of crops.

    Augmentation and loss work at the scale at which the network sees the ground, so that a coarse network is not
    slowed down by fine pictures.

    Args:
        segmenter: Changed in place.
        settings: Loss, augmentation, optimiser and schedule.
        seed: See :class:`~mining_the_mines.models.training.NetworkTraining`.
    """

    headline = ("validation_iou", "IoU")
    network: MineSegmenter
    settings: SegmenterTrainingSettings

    def __init__(self, segmenter: MineSegmenter, settings: SegmenterTrainingSettings, seed: int) -> None:
        super().__init__(segmenter, settings, seed)
        self.loss = segmentation_loss(settings)
        self.iou = BinaryJaccardIndex(ignore_index=UNKNOWN)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of one augmented batch."""
        digital_numbers, masks = batch
        parts = (decode_batch(digital_numbers), decode_masks(masks).unsqueeze(1))
        moved = self.augment.move(torch.cat([self.network.rescale(part) for part in parts], dim=1))
        reflectance, targets = self.augment.vary_light(moved[:, :-1]), moved[:, -1]
        if self.settings.augmentation.mix_up:
            reflectance, targets = mix_up(reflectance, targets, self.settings.augmentation.mix_up)
        loss = self.loss(self.network.rescaled_logits(reflectance), targets)
        self.log("training_loss", loss, on_step=False, on_epoch=True, batch_size=len(targets))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Scores on chips that are not trained on, at their own scale."""
        digital_numbers, masks = batch
        logits = self.network.logits(decode_batch(digital_numbers))
        self.iou.update(logits.sigmoid(), masks.int())
        self.log("validation_loss", self.loss(logits, decode_masks(masks)), batch_size=len(masks))
        self.log("validation_iou", self.iou)


def decode_masks(masks: Tensor) -> Tensor:
    """Masks ``(B, H, W)`` uint8 as targets: 0 or 1, NaN where nothing is known."""
    return masks.to(torch.float32).masked_fill_(masks == UNKNOWN, torch.nan)
