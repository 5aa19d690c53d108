"""Training of networks that classify chips."""

import math

import numpy as np
import pandas as pd
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DistributedSampler
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision

from mining_the_mines.models.augmentation import mix_up
from mining_the_mines.models.batches import Batch, PackedDataset, decode_batch, ordered_loader, training_loader
from mining_the_mines.models.classifier_network import ClassifierNetwork
from mining_the_mines.models.devices import on_all_devices
from mining_the_mines.models.kinds import LabelledChips
from mining_the_mines.models.networks import ClassifierNetworks
from mining_the_mines.models.spectral_input import band_scale
from mining_the_mines.models.training import FitPlan, NetworkTraining


class ClassifierTraining(NetworkTraining):
    """Optimises a classifier on batches of packed chips.

    Args:
        classifier: Changed in place.
        settings: Loss, augmentation, optimiser and schedule.
        weights: Of negatives and positives in the loss.
        seed: See :class:`~mining_the_mines.models.training.NetworkTraining`.
    """

    network: ClassifierNetwork
    settings: ClassifierNetworks

    def __init__(
        self,
        classifier: ClassifierNetwork,
        settings: ClassifierNetworks,
        weights: tuple[float, float],
        seed: int,
    ) -> None:
        super().__init__(classifier, settings, seed)
        self.weights = weights
        self.roc_auc = BinaryAUROC()
        self.average_precision = BinaryAveragePrecision()

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Return the loss of one augmented batch."""
        digital_numbers, targets = batch
        reflectance = self.augment(decode_batch(digital_numbers))
        if self.settings.augmentation.mix_up:
            reflectance, targets = mix_up(reflectance, targets, self.settings.augmentation.mix_up)
        loss = self._loss(on_all_devices(self.network.logits, reflectance), targets)
        self.log("training_loss", loss, on_step=False, on_epoch=True, batch_size=len(targets))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Score the chips of the held-out fold."""
        digital_numbers, labels = batch
        logits = self.network.logits(decode_batch(digital_numbers))
        loss = self._loss(logits, labels)
        self.roc_auc.update(logits.sigmoid(), labels.int())
        self.average_precision.update(logits.sigmoid(), labels.int())
        self.log("validation_loss", loss, batch_size=len(labels))
        self.log("validation_roc_auc", self.roc_auc)
        self.log("validation_average_precision", self.average_precision)

    def _loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return classification_loss(logits, targets, self.settings.label_smoothing, self.weights)


def classification_loss(
    logits: Tensor, targets: Tensor, label_smoothing: float, weights: tuple[float, float]
) -> Tensor:
    """Mean cross entropy of a batch.

    Args:
        logits: ``(B,)``.
        targets: ``(B,)`` in 0–1; shares between come from mix-up.
        label_smoothing: Share of the label that is spread over both classes.
        weights: Of negatives and positives.

    Returns:
        A scalar.
    """
    importance = (1 - targets) * weights[0] + targets * weights[1]
    smoothed = targets * (1 - label_smoothing) + label_smoothing / 2
    return functional.binary_cross_entropy_with_logits(logits, smoothed, weight=importance)


def plan_classifier(kind: ClassifierNetworks, data: LabelledChips, fold: int, seed: int, first_epoch: int) -> FitPlan:
    """Build a classifier, its batches and the way it learns; see :meth:`ClassifierNetworks.plan`."""
    network = kind.new_network(band_scale(data.statistics[str(fold)]), data.packed.array.shape[-1])
    learnt, watched = (_dataset(data, rows) for rows in (data.outside(fold), data.inside(fold)))
    balance = "balanced" if kind.class_weights else None
    negative, positive = compute_class_weight(balance, classes=np.array([0, 1]), y=learnt.labels.numpy())
    weights = float(negative), float(positive)
    network.prior.fill_(math.log(weights[0] / weights[1]))
    sampler: DistributedSampler[Batch] = DistributedSampler(learnt, num_replicas=1, rank=0, shuffle=True, seed=seed)
    return FitPlan(
        ClassifierTraining(network, kind, weights, seed),
        training_loader(learnt, sampler, kind.batch_size, first_epoch, kind.loader_workers),
        ordered_loader(watched, kind.batch_size),
    )


def _dataset(data: LabelledChips, rows: pd.DataFrame) -> PackedDataset:
    return PackedDataset(data.packed, tuple(rows["filename"]), rows["label"].to_numpy(dtype=np.int64))
