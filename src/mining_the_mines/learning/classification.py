"""The Lightning module that trains a chip classifier."""

from typing import Any

import torch
from lightning import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from timm.optim import param_groups_weight_decay  # type: ignore[attr-defined] # its __init__ lists no names
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision

from mining_the_mines.learning.augmentation import ChipAugmentation, mix_up
from mining_the_mines.learning.objective import detection_loss
from mining_the_mines.learning.packed_data import Batch, decode_batch
from mining_the_mines.learning.settings import TrainingSettings
from mining_the_mines.models.classifier import MineClassifier


class ClassifierTraining(LightningModule):
    """Optimises a classifier on batches of packed chips.

    Args:
        classifier: The network; changed in place.
        settings: Loss, augmentation, optimiser and schedule.
        weights: Of negatives and positives in the loss.
        seed: Base of the random numbers, which start anew at every epoch: a run that goes on from the last epoch's
            checkpoint draws the same ones as a run that was never interrupted.
    """

    def __init__(
        self,
        classifier: MineClassifier,
        settings: TrainingSettings,
        weights: tuple[float, float],
        seed: int,
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.settings = settings
        self.weights = weights
        self.seed = seed
        self.augment = ChipAugmentation(settings.augmentation)
        self.roc_auc = BinaryAUROC()
        self.average_precision = BinaryAveragePrecision()

    def on_train_epoch_start(self) -> None:
        """Start the epoch's own stream of random numbers."""
        torch.manual_seed(self.seed * 100_003 + self.current_epoch)

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of one augmented batch."""
        digital_numbers, targets = batch
        reflectance = self.augment(decode_batch(digital_numbers))
        if self.settings.augmentation.mix_up:
            reflectance, targets = mix_up(reflectance, targets, self.settings.augmentation.mix_up)
        loss = detection_loss(self.classifier.logits(reflectance), targets, self.settings, self.weights)
        self.log("training_loss", loss, on_step=False, on_epoch=True, batch_size=len(targets))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Scores on chips that are not trained on."""
        digital_numbers, labels = batch
        logits = self.classifier.logits(decode_batch(digital_numbers))
        loss = detection_loss(logits, labels, self.settings, self.weights)
        self.roc_auc.update(logits.sigmoid(), labels.int())
        self.average_precision.update(logits.sigmoid(), labels.int())
        self.log("validation_loss", loss, batch_size=len(labels))
        self.log("validation_roc_auc", self.roc_auc)
        self.log("validation_average_precision", self.average_precision)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with linear warm-up and cosine decay, stepped every batch."""
        groups = param_groups_weight_decay(self.classifier, weight_decay=self.settings.weight_decay)
        optimizer = torch.optim.AdamW(groups, lr=self.settings.learning_rate)
        steps = int(self.trainer.estimated_stepping_batches)
        warmup = steps * self.settings.warmup_epochs // self.settings.epochs
        schedule = _schedule(optimizer, steps, min(warmup, steps - 1))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def _schedule(optimizer: torch.optim.Optimizer, steps: int, warmup: int) -> LRScheduler:
    cosine = CosineAnnealingLR(optimizer, T_max=max(1, steps - warmup))
    if warmup == 0:
        return cosine
    ramp = LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
    return SequentialLR(optimizer, [ramp, cosine], milestones=[warmup])


def epoch_figures(metrics: dict[str, Any]) -> dict[str, float]:
    """The logged scalars of an epoch as plain numbers."""
    return {name: float(value) for name, value in metrics.items()}
