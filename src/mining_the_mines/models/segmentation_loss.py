"""Losses of the question "which pixels are mine?"; unknown pixels have no say."""

from collections.abc import Callable

import torch
from segmentation_models_pytorch.losses import (
    DiceLoss,
    FocalLoss,
    LovaszLoss,
    SoftBCEWithLogitsLoss,
    TverskyLoss,
)
from torch import Tensor

from mining_the_mines.chips.masks import UNKNOWN
from mining_the_mines.models.settings import SegmenterTrainingSettings

#: Takes logits and targets ``(B, 1, H, W)``, with :data:`UNKNOWN` where nothing is known, and gives a scalar.
Loss = Callable[[Tensor, Tensor], Tensor]

#: A mixed or resampled target counts as mine from here on where a loss knows only yes and no.
_HALF = 0.5


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
