"""What happens beside the training: remembering the curves and showing how far it is."""

from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from rich.progress import Progress, TaskID

from mining_the_mines.models.training import NetworkTraining, epoch_figures


class CurveRecorder(Callback):
    """Remembers the figures of every epoch; they travel in the checkpoint, so a resumed run has them all."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Note the epoch's figures."""
        figures = epoch_figures(dict(trainer.callback_metrics))
        self.rows.append({"epoch": trainer.current_epoch, **figures})

    def state_dict(self) -> dict[str, Any]:
        """What the checkpoint keeps."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.rows = list(state_dict["rows"])


class ResumableEarlyStopping(EarlyStopping):
    """Early stopping that does not train on when the checkpoint is of the epoch at which it stopped."""

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
    """The newest checkpoint, which does not tell in which folder it lies: a copy of it goes on like the original."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing: only one file is ever kept, and all else is where and how it was asked for."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take nothing over."""


class EpochProgress(Callback):
    """Moves one bar of a rich progress display by a step an epoch."""

    def __init__(self, progress: Progress, task: TaskID, finished_before: int, fold: str) -> None:
        self.progress = progress
        self.task = task
        self.finished_before = finished_before
        self.fold = fold

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the epoch's figures."""
        figures = epoch_figures(dict(trainer.callback_metrics))
        name, title = pl_module.headline if isinstance(pl_module, NetworkTraining) else NetworkTraining.headline
        score = figures.get(name)
        text = f"{self.fold} · loss {figures.get('training_loss', float('nan')):.3f}"
        text += "" if score is None else f" · {title} {score:.3f}"
        completed = self.finished_before + trainer.current_epoch + 1
        self.progress.update(self.task, completed=completed, description=text)
