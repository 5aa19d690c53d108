"""Training a network of a fold, resumable at the last finished epoch."""

import logging
import math
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import torch
from lightning import LightningModule, Trainer, seed_everything
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, WeightAveraging
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from timm.optim import param_groups_weight_decay  # type: ignore[attr-defined] # its __init__ lists no names
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR
from torch.optim.swa_utils import get_ema_multi_avg_fn

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.models.augmentation import ChipAugmentation
from mining_the_mines.models.devices import check_shares, run_on_devices, share_batch_norm
from mining_the_mines.models.ensemble import FoldEnsemble, predict_packed
from mining_the_mines.models.kinds import FoldFit, LabelledChips, ReportEpoch, ignore_epochs
from mining_the_mines.models.networks import Networks, TrainingSettings

LAST_CHECKPOINT: Final = "last.ckpt"
FINISHED: Final = "finished.pt"
#: Seconds from one checkpoint to the next, at least.
SECONDS_BETWEEN: Final = 10.0
#: Largest gradient norm.
GRADIENT_CLIP: Final = 1.0

Rows = list[dict[str, float]]


class NetworkTraining(LightningModule):
    """Optimises a network; subclasses define the step.

    Args:
        network: Changed in place.
        settings: Augmentation, optimiser and schedule.
        seed: Base of the random numbers, which start anew at every epoch: a run that goes on from the last epoch's
            checkpoint draws the same ones as a run that was never interrupted.
    """

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
        optimizer = torch.optim.AdamW(groups, lr=self.settings.learning_rate, fused=True)
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


class Batches(Protocol):
    """Batches of an epoch, as a data loader gives them."""

    def __len__(self) -> int:
        """Number of batches."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Read them."""
        ...


@dataclass(frozen=True)
class FitPlan:
    """One network's training.

    Attributes:
        training: The network, fresh, and how it learns; trained in place.
        batches: Batches to learn from.
        watched: Chips of the held-out fold, scored for the learning curves; they change nothing. ``None`` if no chips
            are held out.
    """

    training: NetworkTraining
    batches: Batches
    watched: Batches | None = None


def fit_fold(kind: Networks, data: LabelledChips, fold: int, folder: Path, report: ReportEpoch) -> FoldFit:
    """Train a network on all folds but one, and predict that fold's chips with it.

    Args:
        kind: How to train.
        data: The training chips.
        fold: The fold that is held out.
        folder: Folder of the checkpoint.
        report: Called after each epoch.

    Raises:
        BadInputError: Several devices can't share a batch or the network.
    """
    check_shares(kind.batch_size, kind.devices)  # before processes are started
    if kind.devices > 1 and not (folder / FINISHED).is_file():
        run_on_devices(kind.devices, _train, (kind, data, fold, folder), report)
    network, curve = _train(kind, data, fold, folder, report)
    filenames = data.inside(fold)["filename"].tolist()
    ensemble = FoldEnsemble([network], kind.test_time_augmentation)
    with training_threads(kind.threads):
        probabilities = predict_packed(ensemble, data.packed, filenames, kind.batch_size)
    return FoldFit([dict(network.state_dict())], probabilities, curve)


def _train(kind: Networks, data: LabelledChips, fold: int, folder: Path, report: ReportEpoch) -> tuple[nn.Module, Rows]:
    """Train a network, or load what was finished in the folder; one of several processes does its share."""
    with training_threads(kind.threads):
        quieten_lightning()
        seed = kind.seed + 1000 * fold
        seed_everything(seed, verbose=False)
        plan = kind.plan(data, fold, seed, first_epoch(folder / LAST_CHECKPOINT))
        return plan.training.network, fit_network(plan, folder, report, kind.devices)


@contextmanager
def training_threads(number: int) -> Iterator[None]:
    """Let torch compute on so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fit_network(plan: FitPlan, folder: Path, report: ReportEpoch = ignore_epochs, devices: int = 1) -> Rows:
    """Train, or go on from the checkpoint in a folder, or load the weights that were finished there.

    Args:
        plan: What to train.
        folder: Folder of the checkpoint.
        report: Called after each epoch.
        devices: Devices that train it; for more than one, each has a process that calls this.

    Returns:
        One row of figures per epoch.
    """
    network, settings = plan.training.network, plan.training.settings
    finished = recall_finished(folder, network)
    if finished is not None:
        return finished
    if devices > 1:
        plan.training.network = share_batch_norm(network)
    recorder = CurveRecorder(report)
    checkpoints = LastCheckpoint(
        folder,
        filename=LAST_CHECKPOINT.removesuffix(".ckpt"),
        enable_version_counter=False,
        save_on_train_epoch_end=True,
    )
    averages = [] if settings.average_decay is None else [ResumableAverage(decay=settings.average_decay)]
    trainer = Trainer(
        accelerator=settings.accelerator,
        devices=devices,
        strategy="auto" if devices == 1 else "ddp",
        use_distributed_sampler=False,  # every device augments the whole batch
        max_epochs=settings.epochs,
        precision=_precision(settings.accelerator),
        gradient_clip_val=GRADIENT_CLIP,
        accumulate_grad_batches=settings.accumulate_batches,
        check_val_every_n_epoch=settings.validation_epochs,
        logger=False,
        callbacks=[recorder, checkpoints, *averages],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
        plugins=[AtomicCheckpoints()],
    )
    last = folder / LAST_CHECKPOINT
    trainer.fit(
        plan.training, plan.batches, plan.watched, ckpt_path=last if last.is_file() else None, weights_only=True
    )
    plan.training.network.eval()
    if trainer.is_global_zero:
        keep_finished(folder, plan.training.network, recorder.rows)
    return recorder.rows


def _precision(accelerator: str) -> Literal["32-true", "bf16-mixed"]:
    has_bf16 = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return "bf16-mixed" if has_bf16 and accelerator != "cpu" else "32-true"


def quieten_lightning() -> None:
    """Keep Lightning's greetings out of the log; its warnings stay."""
    # Its older package logs in its place once it is imported; the import sets the level of its top logger.
    for name in ("lightning.pytorch", "lightning.fabric", "pytorch_lightning.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Lightning calls a torch function by its former name (Lightning-AI/pytorch-lightning#21381).
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\)")
    # A training that holds no chips out has none to score.
    warnings.filterwarnings("ignore", message=r"You defined a `validation_step` but have no `val_dataloader`")
    # Every device logs the loss of the whole batch.
    warnings.filterwarnings("ignore", message=r"It is recommended to use `self\.log\(.* sync_dist=True\)`")
    # On resuming, the checkpoint directory is not empty.
    warnings.filterwarnings("ignore", message=r"Checkpoint directory .* exists and is not empty")


class CurveRecorder(Callback):
    """Records the figures of every epoch; they are part of the checkpoint, so that a resumed run has them all.

    Args:
        report: Called after each epoch.
    """

    def __init__(self, report: ReportEpoch = ignore_epochs) -> None:
        self.rows: Rows = []
        self.report = report

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Record the epoch's figures; those of validation are missing where the epoch had none."""
        figures = _scalars(trainer.callback_metrics)
        if (trainer.current_epoch + 1) % trainer.check_val_every_n_epoch:  # type: ignore[operator] # an int, as set above
            figures = {name: value for name, value in figures.items() if not name.startswith("validation")}
        self.rows.append({"epoch": trainer.current_epoch, **figures})
        rate = float(trainer.optimizers[0].param_groups[0]["lr"])
        self.report(trainer.current_epoch, figures | {"learning_rate": rate})

    def state_dict(self) -> dict[str, Any]:
        """Rows so far."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the rows of a checkpoint."""
        self.rows = list(state_dict["rows"])


def _scalars(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items()}


class ResumableAverage(WeightAveraging):
    """Moving average of weights that replaces the last ones also when the checkpoint leaves no epoch to train.

    Args:
        decay: Weight of the average at each step. All tensors are averaged in one call, whereas Lightning's
            ``EMAWeightAveraging`` averages them one by one.
    """

    def __init__(self, decay: float) -> None:
        super().__init__(multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call] # torch's own

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the average in the module; Lightning does so only after an epoch of training."""
        self.on_train_end(trainer, pl_module)


class LastCheckpoint(ModelCheckpoint):
    """The newest checkpoint, without the path of its folder: a copy resumes as the original does.

    Short epochs do not each write one: a kill costs at most :data:`SECONDS_BETWEEN` of work.
    """

    _written = -math.inf

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write a checkpoint, unless the last one is new."""
        due = time.monotonic() - self._written >= SECONDS_BETWEEN
        if trainer.strategy.broadcast(due):  # all devices write it together
            super().on_train_epoch_end(trainer, pl_module)
            self._written = time.monotonic()

    def state_dict(self) -> dict[str, Any]:
        """Empty: only one file is kept, and the rest is configuration."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Ignore the state of checkpoints."""


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside its place and moves it there.

    Lightning's own way goes through the system's temporary folder; where that is another disk, moving is copying, and a
    kill leaves half a checkpoint in the place of a good one.
    """

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any = None,  # noqa: ANN401, ARG002 - as Lightning declares it
    ) -> None:
        """Write a checkpoint.

        Args:
            checkpoint: The state of the run.
            path: Where it is to be.
            storage_options: Not used.

        Raises:
            BadInputError: The disk is full, or the place can't be written to.
        """
        with whole_file(Path(path)) as draft:
            torch.save(checkpoint, draft)


def first_epoch(checkpoint: Path) -> int:
    """The epoch at which a run goes on: the one after the checkpoint's, or 0 if there is none."""
    if not checkpoint.is_file():
        return 0
    return int(torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["epoch"]) + 1


def keep_finished(folder: Path, network: nn.Module, rows: Rows) -> None:
    """Save the final weights and curves.

    A checkpoint lacks them: it holds the weights before averaging.
    """
    with whole_file(folder / FINISHED) as draft:
        torch.save({"weights": network.state_dict(), "rows": rows}, draft)


def recall_finished(folder: Path, network: nn.Module) -> Rows | None:
    """Load the final weights into a network, in evaluation mode.

    Returns:
        The curves, or ``None`` if the training has not been finished.
    """
    path = folder / FINISHED
    if not path.is_file():
        return None
    kept = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict(kept["weights"])
    network.eval()
    rows: Rows = kept["rows"]
    return rows
