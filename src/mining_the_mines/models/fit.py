"""Training one network on one set of chips, resumable at the last finished epoch."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer
from lightning.pytorch.callbacks import (
    Callback,
    LearningRateMonitor,
)
from torch.utils.data import DataLoader

from mining_the_mines.models.callbacks import CurveRecorder, LastCheckpoint, ResumableAverage, ResumableEarlyStopping
from mining_the_mines.models.checkpoints import AtomicCheckpoints, keep_finished, recall_finished
from mining_the_mines.models.packed_data import Batch
from mining_the_mines.models.settings import Precision, TrainingSettings
from mining_the_mines.models.training import NetworkTraining

LAST_CHECKPOINT = "last.ckpt"


@dataclass(frozen=True)
class FitRequest:
    """One network's training.

    Attributes:
        training: The network, fresh, and how it learns; trained in place.
        batches: What it learns from.
        watched: Chips whose scores are shown after each epoch.
        stops_early: Whether those decide on early stopping; if not, they are never used.
        folder: Where the checkpoint lies.
    """

    training: NetworkTraining
    batches: DataLoader[Batch]
    watched: DataLoader[Batch] | None
    stops_early: bool
    folder: Path


def fit(
    request: FitRequest,
    settings: TrainingSettings,
    logger: Any = None,  # noqa: ANN401 - a Lightning logger, or None
    callbacks: Sequence[Callback] = (),
) -> list[dict[str, float]]:
    """Train, or go on from the checkpoint in the request's folder, or take what was finished there.

    Returns:
        One row of figures an epoch.
    """
    network = request.training.network
    finished = recall_finished(request.folder, network)
    if finished is not None:
        return finished
    recorder = CurveRecorder()
    trainer = Trainer(
        accelerator=settings.accelerator,
        devices=1,
        max_epochs=settings.epochs,
        precision=_precision(settings),
        gradient_clip_val=settings.gradient_clip,
        accumulate_grad_batches=settings.accumulate_batches,
        logger=logger or False,
        callbacks=[recorder, *_standard_callbacks(request, settings, logger), *callbacks],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        default_root_dir=request.folder,
        plugins=[AtomicCheckpoints()],
    )
    checkpoint = request.folder / LAST_CHECKPOINT
    trainer.fit(
        request.training,
        request.batches,
        request.watched,
        ckpt_path=checkpoint if checkpoint.is_file() else None,
        weights_only=True,
    )
    network.eval()
    keep_finished(request.folder, network, recorder.rows)
    return recorder.rows


def _standard_callbacks(request: FitRequest, settings: TrainingSettings, logger: object) -> list[Callback]:
    callbacks: list[Callback] = [
        LastCheckpoint(
            request.folder,
            filename=LAST_CHECKPOINT.removesuffix(".ckpt"),
            enable_version_counter=False,
            save_on_train_epoch_end=True,
        )
    ]
    if settings.average_decay is not None:
        callbacks.append(ResumableAverage(decay=settings.average_decay))
    if request.stops_early and settings.early_stopping_patience is not None:
        callbacks.append(ResumableEarlyStopping("validation_loss", patience=settings.early_stopping_patience))
    if logger is not None:
        callbacks.append(LearningRateMonitor("epoch"))
    return callbacks


def _precision(settings: TrainingSettings) -> Precision:
    if settings.precision != "auto":
        return settings.precision
    has_bf16 = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return "bf16-mixed" if has_bf16 and settings.accelerator != "cpu" else "32-true"


def quieten_lightning() -> None:
    """Keep Lightning's greetings out of the log; its warnings stay."""
    # Its older package speaks in its place once anything has imported that; importing it sets the level of its top.
    for name in ("lightning.pytorch", "lightning.fabric", "pytorch_lightning.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Lightning calls a torch function by its former name (Lightning-AI/pytorch-lightning#21381).
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")
    # On resuming it should not be.
    warnings.filterwarnings("ignore", message=r"Checkpoint directory .* exists and is not empty")
