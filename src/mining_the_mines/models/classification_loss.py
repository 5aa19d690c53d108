"""Losses of the binary question "is there a mine?"."""

import torch
from torch import Tensor
from torch.nn import functional

from mining_the_mines.models.settings import ClassifierTrainingSettings


def class_weights(labels: Tensor) -> tuple[float, float]:
    """Weights of negatives and positives that make both classes count the same.

    Args:
        labels: ``(N,)`` of 0 and 1, both present.

    Returns:
        ``N / (2 n)`` of each class, as scikit-learn's ``class_weight="balanced"``.
    """
    positives = int(labels.sum())
    negatives = len(labels) - positives
    return len(labels) / (2 * negatives), len(labels) / (2 * positives)


def classification_loss(
    logits: Tensor, targets: Tensor, settings: ClassifierTrainingSettings, weights: tuple[float, float]
) -> Tensor:
    """Mean loss of a batch.

    Args:
        logits: ``(B,)``.
        targets: ``(B,)`` in 0–1; shares between come from mix-up.
        settings: Names the loss, its smoothing and its focus.
        weights: Of negatives and positives.

    Returns:
        A scalar.
    """
    importance = (1 - targets) * weights[0] + targets * weights[1]
    smoothed = targets * (1 - settings.label_smoothing) + settings.label_smoothing / 2
    entropy = functional.binary_cross_entropy_with_logits(logits, smoothed, reduction="none")
    if settings.loss == "focal":
        distance = (logits.sigmoid() - targets).abs()
        entropy = entropy * distance.pow(settings.focal_gamma)
    return torch.mean(importance * entropy)
