"""One network a fold, each judged on chips of places that it has never seen."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from lightning import seed_everything
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sklearn.model_selection import GroupShuffleSplit

from mining_the_mines.chips.statistics import BandStatistics
from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.execution_fields import result_parameters
from mining_the_mines.models.callbacks import EpochProgress
from mining_the_mines.models.checkpoints import first_epoch
from mining_the_mines.models.ensemble import FoldEnsemble, Member
from mining_the_mines.models.fit import LAST_CHECKPOINT, FitRequest, fit, quieten_lightning
from mining_the_mines.models.settings import TrainingSettings
from mining_the_mines.models.task import Network, Task, scale_of
from mining_the_mines.models.workspace import Workspace

#: Random divisions of the training places that are tried before early stopping is given up.
HOLD_OUT_ATTEMPTS = 100


@dataclass(frozen=True)
class CrossValidation:
    """What comes out of training.

    Attributes:
        ensemble: The networks of all folds as one module.
        filenames: The chips that were predicted, each out of fold.
        probabilities: For each of them, ``(N,)``, or for each of their pixels, ``(N, H, W)``.
        curves: One row an epoch: fold, epoch and figures.
    """

    ensemble: FoldEnsemble
    filenames: tuple[str, ...]
    probabilities: NDArray[np.floating]
    curves: pd.DataFrame


def cross_validate(
    task: Task[Network], folds: pd.DataFrame, statistics: Mapping[str, BandStatistics], workspace: Workspace
) -> CrossValidation:
    """Train a network for each fold on all others and predict the fold's chips with it.

    Args:
        task: What is asked about the chips, and how networks learn to answer.
        folds: Columns ``filename``, ``label``, ``place``, ``split`` and ``fold``; chips of the test split are left out.
        statistics: Of the bands of the chips outside each fold.
        workspace: Where checkpoints lie, and who is told about epochs.

    Raises:
        BadInputError: ``resume`` is set and the checkpoints don't belong to these data and parameters.
    """
    quieten_lightning()
    settings = task.settings
    training = folds[folds["split"] == "train"]
    names = sorted(int(fold) for fold in training["fold"].unique())
    fingerprint = {**task.fingerprint(training), "parameters": _parameter_hash(settings)}
    _prepare(workspace, fingerprint, must_go_on=settings.resume)
    members: list[Member] = []
    held_out, predictions, curves = [], [], []
    plan = [(fold, number) for fold in names for number in range(settings.networks)]
    with _progress() as progress:
        bar = progress.add_task("training", total=len(plan) * settings.epochs)
        for step, (fold, number) in enumerate(plan):
            name = f"fold {fold}" if settings.networks == 1 else f"fold {fold}, network {number}"
            shown = EpochProgress(progress, bar, step * settings.epochs, name)
            network, rows = _fit_fold(
                _FoldRun(fold, number, name, statistics[str(fold)]), task, training, workspace, shown
            )
            members.append(network)
            curves.append(pd.DataFrame(rows).assign(fold=fold, network=number))
            progress.update(bar, completed=(step + 1) * settings.epochs)
            if number == settings.networks - 1:
                filenames = training.loc[training["fold"] == fold, "filename"].tolist()
                judge = FoldEnsemble(members[-settings.networks :], settings.test_time_augmentation)
                predictions.append(task.predict(judge, filenames))
                held_out += filenames
    return CrossValidation(
        FoldEnsemble(members, settings.test_time_augmentation),
        tuple(held_out),
        np.concatenate(predictions),
        pd.concat(curves, ignore_index=True),
    )


@dataclass(frozen=True)
class _FoldRun:
    """One of the networks of a fold."""

    fold: int
    number: int
    name: str
    statistics: BandStatistics


def _fit_fold(
    run: _FoldRun, task: Task[Network], training: pd.DataFrame, workspace: Workspace, progress: EpochProgress
) -> tuple[Network, list[dict[str, float]]]:
    settings = task.settings
    seed = settings.seed + 1000 * run.fold + 101 * run.number
    seed_everything(seed, verbose=False)
    network = task.new_network(scale_of(run.statistics))
    others, watched = training[training["fold"] != run.fold], training[training["fold"] == run.fold]
    stops_early = settings.early_stopping_patience is not None
    if stops_early:
        others, watched = _hold_out(task, others, seed)
    folder = workspace.checkpoints / run.name.replace(", ", "_").replace(" ", "_")
    request = FitRequest(
        task.new_training(network, others, seed),
        batches=task.training_batches(others, seed, first_epoch(folder / LAST_CHECKPOINT)),
        watched=task.ordered_batches(watched),
        stops_early=stops_early,
        folder=folder,
    )
    logger = workspace.start_logger(run.name)
    rows = fit(request, settings, logger, [progress])
    if logger is not None:
        logger.finalize("success")
    return network, rows


def _hold_out(task: Task[Network], table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set whole places aside that decide when to stop; mines and other ground are on both sides."""
    share, places = task.settings.early_stopping_share, len(set(table["place"]))
    if places > 1:
        splitter = GroupShuffleSplit(HOLD_OUT_ATTEMPTS, test_size=share, random_state=seed)
        for kept, held_out in splitter.split(table, groups=table["place"]):
            parts = table.iloc[kept], table.iloc[held_out]
            if all(task.can_stop_on(part) for part in parts):
                return parts
    raise BadInputError(
        f"No {share:.0%} of the {places} training places can be held out for early stopping so that "
        f"both classes are on both sides: set training.early_stopping_patience to null, or raise "
        f"training.early_stopping_share."
    )


def _parameter_hash(settings: TrainingSettings) -> str:
    return hashlib.sha256(json.dumps(result_parameters(settings), sort_keys=True).encode()).hexdigest()


def _prepare(workspace: Workspace, fingerprint: dict[str, str], *, must_go_on: bool) -> None:
    """Empty the folder for a new run, or make sure that its checkpoints may be gone on from."""
    checkpoints = workspace.checkpoints
    note = checkpoints / "fingerprint.json"
    before = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else None
    if must_go_on and before is not None:
        changed = [name for name, value in fingerprint.items() if before.get(name) != value]
        if changed:
            raise BadInputError(
                f"The checkpoints in {checkpoints} were made with other {' and '.join(changed)}: "
                f"restore them, or start anew without training.resume."
            )
        return
    whole = {**fingerprint, "owner": workspace.owner}
    if workspace.goes_on and before == whole:
        return
    note.unlink(missing_ok=True)
    for fold in checkpoints.glob("fold_*"):  # nothing else: a mistyped parameter may name somebody's folder
        shutil.rmtree(fold)
    with whole_file(note) as draft:
        draft.write_text(json.dumps(whole, indent=2), encoding="utf-8")


def _progress() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
