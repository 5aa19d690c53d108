"""What trains any network: optimiser, schedule, and random numbers that start anew at every epoch."""

from typing import Any

import torch
from lightning import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from timm.optim import param_groups_weight_decay  # type: ignore[attr-defined] # its __init__ lists no names
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from mining_the_mines.models.augmentation import ChipAugmentation
from mining_the_mines.models.settings import TrainingSettings


class NetworkTraining(LightningModule):
    """Optimises a network; what a step is, its subclasses say.

    Args:
        network: Changed in place.
        settings: Augmentation, optimiser and schedule.
        seed: Base of the random numbers, which start anew at every epoch: a run that goes on from the last epoch's
            checkpoint draws the same ones as a run that was never interrupted.
    """

    #: Name and title of the figure that tells best how far a training has come.
    headline = ("validation_loss", "validation loss")

    def __init__(self, network: nn.Module, settings: TrainingSettings, seed: int) -> None:
        super().__init__()
        self.network = network
        self.settings = settings
        self.seed = seed
        self.augment = ChipAugmentation(settings.augmentation)

    def on_train_epoch_start(self) -> None:
        """Start the epoch's own stream of random numbers."""
        torch.manual_seed(self.seed * 100_003 + self.current_epoch)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with linear warm-up and cosine decay, stepped every batch."""
        groups = param_groups_weight_decay(self.network, weight_decay=self.settings.weight_decay)
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
