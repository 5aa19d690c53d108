"""Training of networks that segment chips; pixels whose label is unknown do not count."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from segmentation_models_pytorch.losses import (
    DiceLoss,
    FocalLoss,
    LovaszLoss,
    SoftBCEWithLogitsLoss,
    TverskyLoss,
)
from torch import Tensor, nn
from torchmetrics.classification import BinaryJaccardIndex

from mining_the_mines.chips.masks import UNKNOWN
from mining_the_mines.chips.windows import WITH_MINE
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.augmentation import mix_up
from mining_the_mines.models.batches import (
    Batch,
    CropDataset,
    CropSampler,
    decode_batch,
    ordered_loader,
    training_loader,
)
from mining_the_mines.models.devices import on_all_devices
from mining_the_mines.models.kinds import MaskedChips
from mining_the_mines.models.networks import SegmenterNetworks
from mining_the_mines.models.segmenter_network import SegmenterNetwork
from mining_the_mines.models.spectral_input import band_scale
from mining_the_mines.models.training import FitPlan, NetworkTraining

#: Takes logits and targets ``(B, 1, H, W)``, with :data:`UNKNOWN` where nothing is known, and returns a scalar.
Loss = Callable[[Tensor, Tensor], Tensor]

#: Losses for binary targets count a mixed or resampled target as mine from here on.
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
    settings: SegmenterNetworks

    def __init__(self, segmenter: SegmenterNetwork, settings: SegmenterNetworks, seed: int) -> None:
        super().__init__(segmenter, settings, seed)
        self.loss = segmentation_loss(settings)
        self.iou = BinaryJaccardIndex(ignore_index=UNKNOWN)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Return the loss of one augmented batch."""
        digital_numbers, masks = batch
        parts = (decode_batch(digital_numbers), decode_masks(masks).unsqueeze(1))
        moved = self.augment.move(torch.cat([self.network.rescale(part) for part in parts], dim=1))
        reflectance, targets = self.augment.vary_light(moved[:, :-1]), moved[:, -1]
        if self.settings.augmentation.mix_up:
            reflectance, targets = mix_up(reflectance, targets, self.settings.augmentation.mix_up)
        loss = self.loss(on_all_devices(self.network.rescaled_logits, reflectance), targets)
        self.log("training_loss", loss, on_step=False, on_epoch=True, batch_size=len(targets))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Score the chips of the held-out fold at their own scale."""
        digital_numbers, masks = batch
        logits = self.network.logits(decode_batch(digital_numbers))
        self.iou.update(logits.sigmoid(), masks.int())
        self.log("validation_loss", self.loss(logits, decode_masks(masks)), batch_size=len(masks))
        self.log("validation_iou", self.iou)


class StudentTraining(SegmenterTraining):
    """Optimises a student, which learns the probabilities that its teacher has for the same augmented windows.

    Args:
        student: Changed in place.
        settings: Loss, augmentation, optimiser and schedule.
        seed: See :class:`~mining_the_mines.models.training.NetworkTraining`.
        teacher: Reflectance ``(B, C, H, W)`` to probabilities ``(B, H, W)``, NaN where a pixel lacks a band.
    """

    def __init__(self, student: SegmenterNetwork, settings: SegmenterNetworks, seed: int, teacher: nn.Module) -> None:
        super().__init__(student, settings, seed)
        self._teacher = (teacher.eval(),)  # no part of what is trained, averaged and kept

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Return the loss of one augmented batch."""
        reflectance = self.augment(decode_batch(batch[0]))
        with torch.no_grad():
            targets = self._teacher[0].to(reflectance.device)(reflectance)
        loss = self.loss(on_all_devices(self.network.logits, reflectance), targets)
        self.log("training_loss", loss, on_step=False, on_epoch=True, batch_size=len(targets))
        return loss


def decode_masks(masks: Tensor) -> Tensor:
    """Masks ``(B, H, W)`` uint8, or probabilities, as targets: 0–1, NaN where nothing is known."""
    return masks.to(torch.float32).masked_fill_(masks == UNKNOWN, torch.nan)


def segmentation_loss(settings: SegmenterNetworks) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss that the settings name.

    Args:
        settings: Name and parameters.

    Returns:
        A function of logits ``(B, H, W)`` and targets ``(B, H, W)`` in 0–1 with NaN for unknown, that gives a scalar.
    """
    loss = _named_loss(settings)
    hard = settings.loss in {"focal", "lovasz"}

    def mean_loss(logits: Tensor, targets: Tensor) -> Tensor:
        known = targets.isfinite()
        if hard:
            targets = (targets >= _HALF).to(targets.dtype)
        filled = torch.where(known, targets, torch.full_like(targets, UNKNOWN))
        return loss(logits.unsqueeze(1), filled.unsqueeze(1))

    return mean_loss


def _named_loss(settings: SegmenterNetworks) -> Loss:
    match settings.loss:
        case "bce":
            loss = SoftBCEWithLogitsLoss(ignore_index=UNKNOWN)
        case "dice":
            loss = DiceLoss("binary", ignore_index=UNKNOWN)
        case "focal":
            loss = FocalLoss("binary", gamma=settings.focal_gamma, ignore_index=UNKNOWN)
        case "lovasz":
            loss = LovaszLoss("binary", ignore_index=UNKNOWN)
        case "tversky":
            alpha = settings.tversky_alpha
            loss = TverskyLoss("binary", alpha=alpha, beta=1 - alpha, ignore_index=UNKNOWN)
        case "bce_dice":
            entropy, overlap = SoftBCEWithLogitsLoss(ignore_index=UNKNOWN), DiceLoss("binary", ignore_index=UNKNOWN)
            return lambda logits, targets: entropy(logits, targets) + overlap(logits, targets)
    return loss  # type: ignore[no-any-return] # the library is untyped


def plan_segmenter(kind: SegmenterNetworks, data: MaskedChips, fold: int, seed: int, first_epoch: int) -> FitPlan:
    """Build a segmenter, its batches and the way it learns; see :meth:`SegmenterNetworks.plan`.

    Raises:
        BadInputError: No window of the fold's training chips shows a mine.
    """
    network = kind.new_network(band_scale(data.statistics[str(fold)]), data.packed.array.shape[-1])
    learnt, watched = (tuple(rows["filename"]) for rows in (data.outside(fold), data.inside(fold)))
    windows = data.windows[data.windows["filename"].isin(learnt)]
    if not (windows["kind"] == WITH_MINE).any():
        raise BadInputError(
            "No window of a fold's training chips shows a mine: ask for fewer folds, or widen "
            "segmentation.windows.area_percentiles."
        )
    numbers = pd.Series(np.arange(len(learnt)), index=list(learnt))
    edge = _edge(data)
    sampler = CropSampler(
        windows.assign(chip=windows["filename"].map(numbers)), edge, data.cutting.negative_share, seed
    )
    dataset, whole = CropDataset(data.packed, data.masks, learnt, edge), CropDataset(data.packed, data.masks, watched)
    return FitPlan(
        SegmenterTraining(network, kind, seed),
        training_loader(dataset, sampler, kind.batch_size, first_epoch, kind.loader_workers),
        ordered_loader(whole, kind.batch_size, [(number, 0, 0) for number in range(len(watched))]),
    )


def _edge(data: MaskedChips) -> int | None:
    """Edge of a crop in pixels: as it is set, or else that of the largest window; ``None`` for whole chips."""
    if data.cutting.crop is not None or data.cutting.cut == "chip":
        return data.cutting.crop
    return int(data.windows["size"].max())
