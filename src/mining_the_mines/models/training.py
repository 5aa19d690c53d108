"""Training the networks of a fold, resumable at the last finished epoch."""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import pandas as pd
import torch
from lightning import LightningModule, Trainer, seed_everything
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit
from timm.optim import param_groups_weight_decay  # type: ignore[attr-defined] # its __init__ lists no names
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR
from torch.utils.data import DataLoader

from mining_the_mines.chips.statistics import BandStatistics
from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.augmentation import ChipAugmentation
from mining_the_mines.models.batches import Batch
from mining_the_mines.models.ensemble import FoldEnsemble
from mining_the_mines.models.kinds import FoldFit, LabelledChips, ReportEpoch, ignore_epochs
from mining_the_mines.models.networks import Precision, TrainingSettings
from mining_the_mines.models.spectral_input import BandScale

LAST_CHECKPOINT: Final = "last.ckpt"
FINISHED: Final = "finished.pt"

#: Random divisions of the training places that are tried before early stopping is given up.
HOLD_OUT_ATTEMPTS: Final = 100

Network = TypeVar("Network", bound=nn.Module)

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


@dataclass(frozen=True)
class FitPlan:
    """One network's training.

    Attributes:
        training: The network, fresh, and how it learns; trained in place.
        batches: Batches to learn from.
        watched: Chips that are scored for the learning curves.
        stops_early: Whether their loss decides on early stopping; if not, they change nothing.
        folder: Folder of the checkpoint.
        report: Called after each epoch.
    """

    training: NetworkTraining
    batches: DataLoader[Batch]
    watched: DataLoader[Batch] | None
    stops_early: bool
    folder: Path
    report: ReportEpoch = ignore_epochs


def fit_network(plan: FitPlan) -> Rows:
    """Train, or go on from the checkpoint in the plan's folder, or load the weights that were finished there.

    Returns:
        One row of figures an epoch.
    """
    network, settings = plan.training.network, plan.training.settings
    finished = recall_finished(plan.folder, network)
    if finished is not None:
        return finished
    recorder = CurveRecorder(plan.report)
    trainer = Trainer(
        accelerator=settings.accelerator,
        devices=1,
        max_epochs=settings.epochs,
        precision=_precision(settings),
        gradient_clip_val=settings.gradient_clip,
        accumulate_grad_batches=settings.accumulate_batches,
        check_val_every_n_epoch=1 if plan.stops_early else settings.validation_epochs,
        logger=False,
        callbacks=[recorder, *_standard_callbacks(plan, settings)],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=plan.folder,
        plugins=[AtomicCheckpoints()],
    )
    checkpoint = plan.folder / LAST_CHECKPOINT
    trainer.fit(
        plan.training,
        plan.batches,
        plan.watched,
        ckpt_path=checkpoint if checkpoint.is_file() else None,
        weights_only=True,
    )
    network.eval()
    keep_finished(plan.folder, network, recorder.rows)
    return recorder.rows


def _standard_callbacks(plan: FitPlan, settings: TrainingSettings) -> list[Callback]:
    callbacks: list[Callback] = [
        LastCheckpoint(
            plan.folder,
            filename=LAST_CHECKPOINT.removesuffix(".ckpt"),
            enable_version_counter=False,
            save_on_train_epoch_end=True,
        )
    ]
    if settings.average_decay is not None:
        callbacks.append(ResumableAverage(decay=settings.average_decay))
    if plan.stops_early and settings.early_stopping_patience is not None:
        callbacks.append(ResumableEarlyStopping("validation_loss", patience=settings.early_stopping_patience))
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


class NetworkTask(Protocol[Network]):
    """A question about chips, with the data that teach the answer; ``rows`` are rows of the fold table."""

    @property
    def data(self) -> LabelledChips:
        """The training chips."""
        ...

    @property
    def settings(self) -> TrainingSettings:
        """How to train."""
        ...

    def new_network(self, scale: BandScale) -> Network:
        """A network with fresh weights."""
        ...

    def new_training(self, network: Network, rows: pd.DataFrame, seed: int) -> NetworkTraining:
        """The Lightning module that trains the network on these chips."""
        ...

    def training_batches(self, rows: pd.DataFrame, seed: int, first_epoch: int) -> DataLoader[Batch]:
        """Batches to learn from, in an order that depends on the seed and the epoch's number only."""
        ...

    def ordered_batches(self, rows: pd.DataFrame) -> DataLoader[Batch]:
        """The chips in their order."""
        ...

    def can_stop_on(self, rows: pd.DataFrame) -> bool:
        """Whether a loss on these chips tells anything."""
        ...

    def predict(self, ensemble: FoldEnsemble, filenames: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Probability for each chip ``(N,)``, or for each of its pixels ``(N, H, W)``."""
        ...


def fit_networks(task: NetworkTask[Network], fold: int, folder: Path, report: ReportEpoch) -> FoldFit:
    """Train the networks of a fold on all other folds, and predict the fold's chips with them.

    Args:
        task: Chips and settings.
        fold: The fold that is held out.
        folder: Folder of the checkpoints, one sub-folder a network.
        report: Called after each epoch of each network.

    Raises:
        BadInputError: No places can be held out for early stopping.
    """
    settings, rows = task.settings, []
    networks: list[Network] = []
    with _threads(settings.threads):
        quieten_lightning()
        for number in range(settings.networks):

            def report_on(epoch: int, figures: Mapping[str, float], before: int = number * settings.epochs) -> None:
                report(before + epoch, figures)

            network, curve = _fit_network(task, fold, number, folder / f"network_{number}", report_on)
            networks.append(network)
            rows += [{"network": number, **figures} for figures in curve]
        ensemble = FoldEnsemble(networks, settings.test_time_augmentation)
        probabilities = task.predict(ensemble, task.data.inside(fold)["filename"].tolist())
    return FoldFit([dict(network.state_dict()) for network in networks], probabilities, rows)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _fit_network(
    task: NetworkTask[Network], fold: int, number: int, folder: Path, report: ReportEpoch
) -> tuple[Network, list[dict[str, float]]]:
    settings = task.settings
    seed = settings.seed + 1000 * fold + 101 * number
    seed_everything(seed, verbose=False)
    network = task.new_network(band_scale(task.data.statistics[str(fold)]))
    others, watched = task.data.outside(fold), task.data.inside(fold)
    stops_early = settings.early_stopping_patience is not None
    if stops_early:
        others, watched = _hold_out(task, others, seed)
    plan = FitPlan(
        task.new_training(network, others, seed),
        batches=task.training_batches(others, seed, first_epoch(folder / LAST_CHECKPOINT)),
        watched=task.ordered_batches(watched),
        stops_early=stops_early,
        folder=folder,
        report=report,
    )
    return network, fit_network(plan)


def _hold_out(task: NetworkTask[Network], table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set whole places aside that decide when to stop, so that both classes are on both sides."""
    share, places = task.settings.early_stopping_share, len(set(table["place"]))
    if places > 1:
        splitter = GroupShuffleSplit(HOLD_OUT_ATTEMPTS, test_size=share, random_state=seed)
        for kept, held_out in splitter.split(table, groups=table["place"]):
            parts = table.iloc[kept], table.iloc[held_out]
            if all(task.can_stop_on(part) for part in parts):
                return parts
    raise BadInputError(
        f"No {share:.0%} of the {places} training places can be held out for early stopping so that "
        f"both classes are on both sides: set early_stopping_patience to null, or raise "
        f"early_stopping_share."
    )


def band_scale(statistics: BandStatistics) -> BandScale:
    """Ranges of the bands of the training chips."""
    percentiles = statistics.percentiles
    return BandScale(statistics.bands, percentiles["p5"], percentiles["p95"])


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


class ResumableEarlyStopping(EarlyStopping):
    """Early stopping that does not continue from a checkpoint of the epoch at which it stopped."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Stop at once if patience ran out before the run was interrupted."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class ResumableAverage(EMAWeightAveraging):
    """Averaged weights that replace the last ones also when the checkpoint leaves no epoch to train."""

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the average in the module; Lightning does so only after an epoch of training."""
        self.on_train_end(trainer, pl_module)


class LastCheckpoint(ModelCheckpoint):
    """The newest checkpoint, without the path of its folder: a copy resumes as the original does."""

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

    A checkpoint lacks them: it holds the weights before averaging, and not that early stopping ended the run.
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
