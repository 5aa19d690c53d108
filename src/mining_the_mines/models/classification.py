"""Training a classifier of chips: is there a mine?"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.models.augmentation import mix_up
from mining_the_mines.models.classification_loss import class_weights, classification_loss
from mining_the_mines.models.classifier import MineClassifier
from mining_the_mines.models.ensemble import FoldEnsemble
from mining_the_mines.models.packed_data import Batch, LabelledChips, decode_batch, ordered_loader, training_loader
from mining_the_mines.models.prediction import predict_packed
from mining_the_mines.models.settings import ClassifierTrainingSettings
from mining_the_mines.models.spectral_input import BandScale
from mining_the_mines.models.training import NetworkTraining


@dataclass(frozen=True)
class ClassificationTask:
    """Chips with labels.

    Attributes:
        packed: All packed chips.
        settings: How to train.
    """

    packed: PackedChips
    settings: ClassifierTrainingSettings

    def new_network(self, scale: BandScale) -> MineClassifier:
        """A classifier with fresh weights."""
        return MineClassifier(self.settings.network, scale, self.packed.array.shape[-1])

    def new_training(self, network: MineClassifier, rows: pd.DataFrame, seed: int) -> "ClassifierTraining":
        """The Lightning module that will train it on these chips."""
        weights = (1.0, 1.0)
        if self.settings.class_weights:
            weights = class_weights(torch.tensor(rows["label"].to_numpy(dtype=np.int64)))
        network.prior.fill_(math.log(weights[0] / weights[1]))
        return ClassifierTraining(network, self.settings, weights, seed)

    def training_batches(self, rows: pd.DataFrame, seed: int, first_epoch: int) -> DataLoader[Batch]:
        """Batches in a new order every epoch."""
        return training_loader(
            self._labelled(rows), self.settings.batch_size, seed, self.settings.loader_workers, first_epoch
        )

    def ordered_batches(self, rows: pd.DataFrame) -> DataLoader[Batch]:
        """The chips in their order."""
        return ordered_loader(self._labelled(rows), self.settings.batch_size)

    def can_stop_on(self, rows: pd.DataFrame) -> bool:
        """Whether both classes are there."""
        return rows["label"].nunique() == 2

    def predict(self, ensemble: FoldEnsemble, filenames: Sequence[str]) -> NDArray[np.floating]:
        """Probability of a mine for each chip, ``(N,)``."""
        return predict_packed(ensemble, self.packed, filenames, self.settings.batch_size)

    def fingerprint(self, rows: pd.DataFrame) -> dict[str, str]:
        """Chips, and who is in which fold."""
        assignment = rows[["filename", "label", "place", "fold"]].to_csv(index=False)
        return {"chips": self.packed.content_hash, "folds": hashlib.sha256(assignment.encode()).hexdigest()}

    def _labelled(self, rows: pd.DataFrame) -> LabelledChips:
        return LabelledChips(self.packed, tuple(rows["filename"]), rows["label"].to_numpy(dtype=np.int64))


class ClassifierTraining(NetworkTraining):
    """Optimises a classifier on batches of packed chips.

    Args:
        classifier: Changed in place.
        settings: Loss, augmentation, optimiser and schedule.
        weights: Of negatives and positives in the loss.
        seed: See :class:`~mining_the_mines.models.training.NetworkTraining`.
    """

    headline = ("validation_roc_auc", "AUC")
    network: MineClassifier
    settings: ClassifierTrainingSettings

    def __init__(
        self,
        classifier: MineClassifier,
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
