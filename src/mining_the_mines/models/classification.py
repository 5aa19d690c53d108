"""Training of networks that classify chips."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision

from mining_the_mines.models.augmentation import mix_up
from mining_the_mines.models.batches import Batch, ChipRows, decode_batch, ordered_loader, training_loader
from mining_the_mines.models.classifier_network import ClassifierNetwork
from mining_the_mines.models.ensemble import FoldEnsemble, predict_packed
from mining_the_mines.models.kinds import LabelledChips
from mining_the_mines.models.networks import ClassifierTrainingSettings
from mining_the_mines.models.spectral_input import BandScale
from mining_the_mines.models.training import NetworkTraining


class ClassifierTraining(NetworkTraining):
    """Optimises a classifier on batches of packed chips.

    Args:
        classifier: Changed in place.
        settings: Loss, augmentation, optimiser and schedule.
        weights: Of negatives and positives in the loss.
        seed: See :class:`~mining_the_mines.models.training.NetworkTraining`.
    """

    network: ClassifierNetwork
    settings: ClassifierTrainingSettings

    def __init__(
        self,
        classifier: ClassifierNetwork,
        settings: ClassifierTrainingSettings,
        weights: tuple[float, float],
        seed: int,
    ) -> None:
        super().__init__(classifier, settings, seed)
        self.weights = weights
        self.roc_auc = BinaryAUROC()
        self.average_precision = BinaryAveragePrecision()

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of one augmented batch."""
        digital_numbers, targets = batch
        reflectance = self.augment(decode_batch(digital_numbers))
        if self.settings.augmentation.mix_up:
            reflectance, targets = mix_up(reflectance, targets, self.settings.augmentation.mix_up)
        loss = classification_loss(self.network.logits(reflectance), targets, self.settings, self.weights)
        self.log("training_loss", loss, on_step=False, on_epoch=True, batch_size=len(targets))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Scores on chips that are not trained on."""
        digital_numbers, labels = batch
        logits = self.network.logits(decode_batch(digital_numbers))
        loss = classification_loss(logits, labels, self.settings, self.weights)
        self.roc_auc.update(logits.sigmoid(), labels.int())
        self.average_precision.update(logits.sigmoid(), labels.int())
        self.log("validation_loss", loss, batch_size=len(labels))
        self.log("validation_roc_auc", self.roc_auc)
        self.log("validation_average_precision", self.average_precision)


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


@dataclass(frozen=True)
class ClassificationTask:
    """Chips with labels, as the folds of networks need them.

    Attributes:
        data: The training chips.
        settings: How to train.
    """

    data: LabelledChips
    settings: ClassifierTrainingSettings

    def new_network(self, scale: BandScale) -> ClassifierNetwork:
        """A network with fresh weights."""
        return ClassifierNetwork(self.settings.network, scale, self.data.packed.array.shape[-1])

    def new_training(self, network: ClassifierNetwork, rows: pd.DataFrame, seed: int) -> ClassifierTraining:
        """The Lightning module that trains a network on some rows of the fold table."""
        weights = (1.0, 1.0)
        if self.settings.class_weights:
            weights = class_weights(torch.tensor(rows["label"].to_numpy(dtype=np.int64)))
        network.prior.fill_(math.log(weights[0] / weights[1]))
        return ClassifierTraining(network, self.settings, weights, seed)

    def training_batches(self, rows: pd.DataFrame, seed: int, first_epoch: int) -> DataLoader[Batch]:
        """Batches in an order that depends on the seed and the epoch's number only."""
        return training_loader(
            self._chips(rows), self.settings.batch_size, seed, self.settings.loader_workers, first_epoch
        )

    def ordered_batches(self, rows: pd.DataFrame) -> DataLoader[Batch]:
        """The chips in their order."""
        return ordered_loader(self._chips(rows), self.settings.batch_size)

    def can_stop_on(self, rows: pd.DataFrame) -> bool:
        """Whether both classes are there, so that a loss on these chips tells anything."""
        return rows["label"].nunique() == 2

    def predict(self, ensemble: FoldEnsemble, filenames: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Probability of a mine for each chip, ``(N,)``."""
        return predict_packed(ensemble, self.data.packed, filenames, self.settings.batch_size)

    def _chips(self, rows: pd.DataFrame) -> ChipRows:
        return ChipRows(self.data.packed, tuple(rows["filename"]), rows["label"].to_numpy(dtype=np.int64))
