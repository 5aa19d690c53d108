"""Training of networks that segment chips; pixels whose label is unknown do not count."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from segmentation_models_pytorch.losses import (
    DiceLoss,
    FocalLoss,
    LovaszLoss,
    SoftBCEWithLogitsLoss,
    TverskyLoss,
)
from torch import Tensor
from torch.utils.data import DataLoader
from torchmetrics.classification import BinaryJaccardIndex

from mining_the_mines.chips.masks import UNKNOWN
from mining_the_mines.chips.windows import WITH_MINE
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.augmentation import mix_up
from mining_the_mines.models.batches import (
    Batch,
    CropDataset,
    CropSampler,
    crop_loader,
    decode_batch,
    whole_chip_loader,
)
from mining_the_mines.models.ensemble import FoldEnsemble, predict_packed_maps
from mining_the_mines.models.kinds import MaskedChips
from mining_the_mines.models.networks import SegmenterTrainingSettings
from mining_the_mines.models.segmenter_network import SegmenterNetwork
from mining_the_mines.models.spectral_input import BandScale
from mining_the_mines.models.training import NetworkTraining

#: Takes logits and targets ``(B, 1, H, W)``, with :data:`UNKNOWN` where nothing is known, and returns a scalar.
Loss = Callable[[Tensor, Tensor], Tensor]

#: A mixed or resampled target counts as mine from here on where a loss knows only yes and no.
_HALF = 0.5


class SegmenterTraining(NetworkTraining):
    """Optimises a segmenter on batches of crops.

    Augmentation and loss work at the scale at which the network sees the ground, so that a coarse network is not
    slowed down by fine pictures.

    Args:
        segmenter: Changed in place.
        settings: Loss, augmentation, optimiser and schedule.
        seed: See :class:`~mining_the_mines.models.training.NetworkTraining`.
    """

    network: SegmenterNetwork
    settings: SegmenterTrainingSettings

    def __init__(self, segmenter: SegmenterNetwork, settings: SegmenterTrainingSettings, seed: int) -> None:
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


def segmentation_loss(settings: SegmenterTrainingSettings) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss that the settings name.

    Args:
        settings: Name and parameters.

    Returns:
        A function of logits ``(B, H, W)`` and targets ``(B, H, W)`` in 0–1 with NaN for unknown, that gives a scalar.
    """
    loss = _LOSSES[settings.loss](settings)
    hard = settings.loss in {"focal", "lovasz"}

    def mean_loss(logits: Tensor, targets: Tensor) -> Tensor:
        known = targets.isfinite()
        if hard:
            targets = (targets >= _HALF).to(targets.dtype)
        filled = torch.where(known, targets, torch.full_like(targets, UNKNOWN))
        return loss(logits.unsqueeze(1), filled.unsqueeze(1))

    return mean_loss


def _cross_entropy_and_dice(settings: SegmenterTrainingSettings) -> Loss:
    entropy, overlap = SoftBCEWithLogitsLoss(ignore_index=UNKNOWN), _dice(settings)

    def both(logits: Tensor, targets: Tensor) -> Tensor:
        return entropy(logits, targets) + overlap(logits, targets)  # type: ignore[no-any-return] # modules are untyped

    return both


def _dice(_: SegmenterTrainingSettings) -> Loss:
    loss: Loss = DiceLoss("binary", ignore_index=UNKNOWN)
    return loss


def _focal(settings: SegmenterTrainingSettings) -> Loss:
    loss: Loss = FocalLoss("binary", gamma=settings.focal_gamma, ignore_index=UNKNOWN)
    return loss


def _lovasz(_: SegmenterTrainingSettings) -> Loss:
    loss: Loss = LovaszLoss("binary", ignore_index=UNKNOWN)
    return loss


def _tversky(settings: SegmenterTrainingSettings) -> Loss:
    alpha = settings.tversky_alpha
    loss: Loss = TverskyLoss("binary", alpha=alpha, beta=1 - alpha, ignore_index=UNKNOWN)
    return loss


_LOSSES: dict[str, Callable[[SegmenterTrainingSettings], Loss]] = {
    "dice": _dice,
    "bce_dice": _cross_entropy_and_dice,
    "focal": _focal,
    "lovasz": _lovasz,
    "tversky": _tversky,
}


@dataclass(frozen=True)
class SegmentationTask:
    """Chips with masks, as the folds of networks need them.

    Attributes:
        data: The training chips, their masks and windows.
        settings: How to train.
    """

    data: MaskedChips
    settings: SegmenterTrainingSettings

    def new_network(self, scale: BandScale) -> SegmenterNetwork:
        """A network with fresh weights."""
        return SegmenterNetwork(self.settings.network, scale)

    def new_training(self, network: SegmenterNetwork, rows: pd.DataFrame, seed: int) -> SegmenterTraining:  # noqa: ARG002 - of every task
        """The Lightning module that trains a network."""
        return SegmenterTraining(network, self.settings, seed)

    def training_batches(self, rows: pd.DataFrame, seed: int, first_epoch: int) -> DataLoader[Batch]:
        """Crops in an order that depends on the seed and the epoch's number only.

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
        sampler = CropSampler(windows, self._edge(), self.data.cutting.negative_share, seed)
        dataset = CropDataset(self.data.packed, self.data.masks, names, self._edge())
        return crop_loader(dataset, sampler, self.settings.batch_size, self.settings.loader_workers, first_epoch)

    def ordered_batches(self, rows: pd.DataFrame) -> DataLoader[Batch]:
        """Whole chips in their order."""
        dataset = CropDataset(self.data.packed, self.data.masks, tuple(rows["filename"]))
        return whole_chip_loader(dataset, self.settings.batch_size)

    def can_stop_on(self, rows: pd.DataFrame) -> bool:
        """Whether a mine is there, so that a loss on these chips tells anything."""
        return bool((self._windows_of(tuple(rows["filename"]))["kind"] == WITH_MINE).any())

    def predict(self, ensemble: FoldEnsemble, filenames: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Probability of a mine for each pixel, ``(N, H, W)``."""
        return predict_packed_maps(ensemble, self.data.packed, filenames, self.settings.batch_size)

    def _edge(self) -> int | None:
        """Edge of a crop: as it is set, or else that of the largest window; ``None`` for whole chips."""
        if self.data.cutting.crop is not None or self.data.cutting.cut == "chip":
            return self.data.cutting.crop
        return int(self.data.windows["size"].max())

    def _windows_of(self, filenames: tuple[str, ...]) -> pd.DataFrame:
        numbers = pd.Series(np.arange(len(filenames)), index=list(filenames))
        chosen = self.data.windows[self.data.windows["filename"].isin(filenames)]
        return chosen.assign(chip=chosen["filename"].map(numbers))
