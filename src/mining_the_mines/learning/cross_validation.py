"""One network a fold, each judged on chips of places that it has never seen."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from lightning import seed_everything
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sklearn.model_selection import GroupShuffleSplit

from mining_the_mines.atomic import whole_file
from mining_the_mines.bad_input import BadInputError
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.statistics import BandStatistics
from mining_the_mines.learning.callbacks import EpochProgress
from mining_the_mines.learning.fit import FitRequest, fit, quieten_lightning
from mining_the_mines.learning.packed_data import LabelledChips
from mining_the_mines.learning.prediction import predict_packed
from mining_the_mines.learning.settings import TrainingSettings
from mining_the_mines.learning.workspace import Workspace
from mining_the_mines.models.classifier import MineClassifier
from mining_the_mines.models.ensemble import FoldEnsemble
from mining_the_mines.models.spectral_input import BandScale

#: Random divisions of the training places that are tried before early stopping is given up.
HOLD_OUT_ATTEMPTS = 100


@dataclass(frozen=True)
class CrossValidation:
    """What comes out of training.

    Attributes:
        ensemble: The networks of all folds as one module.
        probabilities: Out-of-fold probability per chip, indexed by file name.
        curves: One row an epoch: fold, epoch and figures.
    """

    ensemble: FoldEnsemble
    probabilities: "pd.Series[float]"
    curves: pd.DataFrame


def cross_validate(
    packed: PackedChips,
    folds: pd.DataFrame,
    statistics: Mapping[str, BandStatistics],
    settings: TrainingSettings,
    workspace: Workspace,
) -> CrossValidation:
    """Train a network for each fold on all others and predict the fold's chips with it.

    Args:
        packed: All packed chips.
        folds: Columns ``filename``, ``label``, ``place``, ``split`` and ``fold``; chips of the test split are left out.
        statistics: Of the bands of the chips outside each fold.
        settings: How to train.
        workspace: Where checkpoints lie, and who is told about epochs.

    Raises:
        BadInputError: ``settings.resume`` is set and the checkpoints don't belong to these data and parameters.
    """
    quieten_lightning()
    training = folds[folds["split"] == "train"]
    names = sorted(int(fold) for fold in training["fold"].unique())
    _prepare(workspace.checkpoints, _fingerprint(packed, training, settings), settings.resume)
    members, predictions, curves = [], [], []
    plan = [(fold, number) for fold in names for number in range(settings.networks)]
    with _progress() as progress:
        task = progress.add_task("training", total=len(plan) * settings.epochs)
        for step, (fold, number) in enumerate(plan):
            name = f"fold {fold}" if settings.networks == 1 else f"fold {fold}, network {number}"
            bar = EpochProgress(progress, task, step * settings.epochs, name)
            run = _FoldRun(fold, number, name, statistics[str(fold)])
            classifier, rows = _fit_fold(run, packed, training, settings, workspace, bar)
            members.append(classifier)
            curves.append(pd.DataFrame(rows).assign(fold=fold, network=number))
            progress.update(task, completed=(step + 1) * settings.epochs)
            if number == settings.networks - 1:
                held_out = training.loc[training["fold"] == fold, "filename"].tolist()
                judge = FoldEnsemble(members[-settings.networks :], settings.test_time_augmentation)
                probabilities = predict_packed(judge, packed, held_out, settings.batch_size)
                predictions.append(pd.Series(probabilities, index=held_out))
    return CrossValidation(
        FoldEnsemble(members, settings.test_time_augmentation),
        pd.concat(predictions).rename("probability"),
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
    run: _FoldRun,
    packed: PackedChips,
    training: pd.DataFrame,
    settings: TrainingSettings,
    workspace: Workspace,
    progress: EpochProgress,
) -> tuple[MineClassifier, list[dict[str, float]]]:
    seed = settings.seed + 1000 * run.fold + 101 * run.number
    percentiles = run.statistics.percentiles
    seed_everything(seed, verbose=False)
    scale = BandScale(run.statistics.bands, percentiles["p5"], percentiles["p95"])
    classifier = MineClassifier(settings.network, scale, packed.array.shape[-1])
    others = training[training["fold"] != run.fold]
    stopping = None
    if settings.early_stopping_patience is not None:
        others, stopping = _hold_out(others, settings.early_stopping_share, seed)
    request = FitRequest(
        classifier,
        training=_labelled(packed, others),
        validation=_labelled(packed, training[training["fold"] == run.fold]),
        stopping=None if stopping is None else _labelled(packed, stopping),
        folder=workspace.checkpoints / run.name.replace(", ", "_").replace(" ", "_"),
        seed=seed,
    )
    logger = workspace.start_logger(run.name)
    rows = fit(request, settings, logger, [progress])
    if logger is not None:
        logger.finalize("success")
    return classifier, rows


def _labelled(packed: PackedChips, table: pd.DataFrame) -> LabelledChips:
    labels: NDArray[np.int64] = table["label"].to_numpy(dtype=np.int64)
    return LabelledChips(packed, tuple(table["filename"]), labels)


def _hold_out(table: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set whole places aside that decide when to stop; both classes are in both parts."""
    places = len(set(table["place"]))
    if places > 1:
        splitter = GroupShuffleSplit(HOLD_OUT_ATTEMPTS, test_size=share, random_state=seed)
        for kept, held_out in splitter.split(table, groups=table["place"]):
            parts = table.iloc[kept], table.iloc[held_out]
            if all(part["label"].nunique() == 2 for part in parts):
                return parts
    raise BadInputError(
        f"No {share:.0%} of the {places} training places can be held out for early stopping so that "
        f"both classes are on both sides: set training.early_stopping_patience to null, or raise "
        f"training.early_stopping_share."
    )


def _fingerprint(packed: PackedChips, training: pd.DataFrame, settings: TrainingSettings) -> dict[str, str]:
    """What must be the same for a checkpoint to be gone on from."""
    parameters = settings.model_dump_json(exclude={"resume", "loader_workers"})
    assignment = training[["filename", "label", "place", "fold"]].to_csv(index=False)
    return {
        "chips": packed.content_hash,
        "parameters": hashlib.sha256(parameters.encode()).hexdigest(),
        "folds": hashlib.sha256(assignment.encode()).hexdigest(),
    }


def _prepare(checkpoints: Path, fingerprint: dict[str, str], resume: bool) -> None:
    """Empty the folder for a new run, or make sure that its checkpoints may be gone on from."""
    note = checkpoints / "fingerprint.json"
    if resume and note.is_file():
        before = json.loads(note.read_text(encoding="utf-8"))
        changed = [name for name, value in fingerprint.items() if before.get(name) != value]
        if changed:
            raise BadInputError(
                f"The checkpoints in {checkpoints} were made with other {' and '.join(changed)}: "
                f"restore them, or start anew without training.resume."
            )
        return
    note.unlink(missing_ok=True)
    for fold in checkpoints.glob("fold_*"):  # nothing else: a mistyped parameter may name somebody's folder
        shutil.rmtree(fold)
    with whole_file(note) as draft:
        draft.write_text(json.dumps(fingerprint, indent=2), encoding="utf-8")


def _progress() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
