"""Resuming after an interruption gives what an uninterrupted run gives."""

import itertools
import multiprocessing
import multiprocessing.process
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from mining_the_mines.models.cross_validation import CrossValidation
from mining_the_mines.models.kinds import LabelledChips, ignore_epochs
from mining_the_mines.models.networks import ClassifierNetworks
from mining_the_mines.models.training import FINISHED, LAST_CHECKPOINT, AtomicCheckpoints
from support.training_data import (
    BATCH_NORM,
    TrainingData,
    by_chip,
    quick_settings,
    separable_chips,
    train,
)

#: Children that train begin anew: torch lets none do that if forked from a process with threads of autograd.
SPAWN = multiprocessing.get_context("spawn")
#: All others start at once, with all that is imported already.
FORK = multiprocessing.get_context("fork")

EVERYTHING_AT_ONCE = {
    "network": BATCH_NORM,
    "average_decay": 0.7,
    "early_stopping_patience": 3,
    "early_stopping_share": 0.3,
    "learning_rate": 1e-2,
    "accumulate_batches": 2,
    "augmentation": {"mix_up": 0.2, "band_dropout": 0.1},
}


@pytest.fixture(scope="module")
def data() -> TrainingData:
    """The chips that the killed process trains on, too."""
    return separable_chips()


def assert_same(resumed: CrossValidation, straight: CrossValidation) -> None:
    for ours, theirs in zip(resumed.model.members, straight.model.members, strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    pd.testing.assert_series_equal(by_chip(resumed), by_chip(straight), check_exact=True)
    pd.testing.assert_frame_equal(resumed.curves, straight.curves, check_exact=True)


def kill_in_mid_epoch(data: TrainingData, folder: Path, settings: ClassifierNetworks) -> None:
    """Train in another process, and kill it as soon as the second fold has a checkpoint."""
    process = SPAWN.Process(target=train, args=(data, folder, settings))
    process.start()
    kill_when(process, (folder / "network_1" / "network_0" / LAST_CHECKPOINT).is_file)
    assert (folder / "network_0" / "fit.pt").exists()
    assert not (folder / "network_1" / "fit.pt").exists()


def kill_when(process: multiprocessing.process.BaseProcess, ready: Callable[[], bool]) -> None:
    """Kill a process as soon as it has come so far."""
    deadline = time.monotonic() + 120
    while not ready() and process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.002)
    come_so_far = ready()
    process.kill()
    process.join()
    assert come_so_far
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize(
    "changes",
    [EVERYTHING_AT_ONCE, {"loader_workers": 1}],
    ids=["averaged and stopped early", "reading ahead"],
)
def test_killed_run_gives_the_same_weights(changes: dict[str, object], data: TrainingData, tmp_path: Path) -> None:
    settings = quick_settings(epochs=8, **changes)
    kill_in_mid_epoch(data, tmp_path / "killed", settings)
    resumed = train(data, tmp_path / "killed", settings)
    assert_same(resumed, train(data, tmp_path / "straight", settings))
    assert list((tmp_path / "killed").iterdir()) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"average_decay": 0.7, "network": BATCH_NORM},
        {"network": BATCH_NORM, "early_stopping_patience": 1, "early_stopping_share": 0.3, "learning_rate": 3e-2},
    ],
    ids=["averaged", "stopped early"],
)
@pytest.mark.parametrize("finished", [True, False])
def test_kill_after_the_last_epoch(
    changes: dict[str, object], finished: bool, data: TrainingData, tmp_path: Path
) -> None:
    settings = quick_settings(epochs=8, **changes)
    chips = LabelledChips(data.packed, data.folds[data.folds["split"] == "train"], data.statistics)
    straight = settings.fit(chips, 0, tmp_path, ignore_epochs)
    if not finished:
        (tmp_path / "network_0" / FINISHED).unlink()
    again = settings.fit(chips, 0, tmp_path, ignore_epochs)
    assert all(torch.equal(again.members[0][name], tensor) for name, tensor in straight.members[0].items())
    np.testing.assert_array_equal(again.probabilities, straight.probabilities)
    assert again.curves == straight.curves


@pytest.mark.parametrize("what", ["parameters", "chips", "labels"])
def test_checkpoints_of_other_data(what: str, data: TrainingData, tmp_path: Path) -> None:
    settings = quick_settings(epochs=8)
    kill_in_mid_epoch(data, tmp_path / "killed", settings)
    if what == "parameters":
        settings = settings.model_copy(update={"learning_rate": 1e-4})
    elif what == "chips":
        data = separable_chips(seed=1)
    else:
        data = data.with_flipped_labels(0)
    assert_same(train(data, tmp_path / "killed", settings), train(data, tmp_path / "straight", settings))


def test_only_folders_of_jobs_are_removed(data: TrainingData, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("years of work", encoding="utf-8")
    train(data, tmp_path, quick_settings(epochs=1))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


def test_workers_end_with_a_killed_parent(data: TrainingData, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    process = SPAWN.Process(target=train, args=(data, folder, quick_settings(epochs=400), 2))
    process.start()
    checkpoint = folder / "network_1" / "network_0" / LAST_CHECKPOINT
    kill_when(process, checkpoint.is_file)
    time.sleep(1)
    written = checkpoint.stat().st_mtime_ns
    time.sleep(1)
    assert checkpoint.stat().st_mtime_ns == written


def test_unwritable_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / LAST_CHECKPOINT
    writer = AtomicCheckpoints()
    writer.save_checkpoint({"epoch": 1}, path)
    with pytest.raises(AttributeError):
        writer.save_checkpoint({"epoch": 2, "unwritable": lambda: None}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [path]


def write_checkpoints(path: Path) -> None:
    """Write the same checkpoint again and again, each time with other numbers."""
    for number in itertools.count():
        AtomicCheckpoints().save_checkpoint({"weights": torch.full((2**20,), float(number))}, path)


def test_kill_while_a_checkpoint_is_written(tmp_path: Path) -> None:
    path = tmp_path / LAST_CHECKPOINT
    process = FORK.Process(target=write_checkpoints, args=(path,))
    process.start()
    kill_when(process, lambda: path.is_file() and len(list(tmp_path.iterdir())) == 2)
    weights = torch.load(path, weights_only=True)["weights"]
    assert len(weights) == 2**20
    assert (weights == weights[0]).all()
