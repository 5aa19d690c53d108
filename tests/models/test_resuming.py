"""Resuming after an interruption gives what an uninterrupted run gives."""

import importlib
import itertools
import multiprocessing
import multiprocessing.process
import os
import shutil
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from distributed import Client, LocalCluster

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.epoch_events import EpochEvent, epoch_listener
from mining_the_mines.models.cross_validation import CrossValidation, worker_context
from mining_the_mines.models.kinds import ignore_epochs
from mining_the_mines.models.training import FINISHED, LAST_CHECKPOINT, AtomicCheckpoints
from support.training_data import (
    BATCH_NORM,
    TrainingData,
    by_chip,
    quick_settings,
    separable_chips,
    train,
)

#: A child that trains can't be forked from this process: torch lets none do that after autograd has started threads.
TRAINING = worker_context()
FORK = multiprocessing.get_context("fork")

SETTINGS = quick_settings(
    network=BATCH_NORM,
    epochs=4,
    average_decay=0.7,
    learning_rate=1e-2,
    accumulate_batches=2,
    augmentation={"mix_up": 0.2, "band_dropout": 0.1},
)


class Interruption(Exception):  # noqa: N818 - no error of the training
    """Ends a training as Ctrl-C would; Lightning answers to that in its own way."""


@pytest.fixture(scope="module")
def data() -> TrainingData:
    """The chips that the killed process trains on, too."""
    return separable_chips()


@pytest.fixture(scope="module")
def interrupted(data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of a training that was interrupted in the middle of its second fold; for copies."""
    folder = tmp_path_factory.mktemp("interrupted") / "checkpoints"

    def interrupt(event: EpochEvent) -> None:
        if (event.training, event.epoch) == ("network, fold 1", 2):
            raise Interruption

    with epoch_listener(interrupt), pytest.raises(Interruption):
        train(data, folder, SETTINGS)
    assert (folder / "network_0" / "fit.pt").exists()
    assert (folder / "network_1" / LAST_CHECKPOINT).exists()
    return folder


@pytest.fixture(scope="module")
def straight(data: TrainingData, tmp_path_factory: pytest.TempPathFactory) -> CrossValidation:
    """The same training, not interrupted."""
    return train(data, tmp_path_factory.mktemp("straight"), SETTINGS)


def assert_same(resumed: CrossValidation, straight: CrossValidation) -> None:
    for ours, theirs in zip(resumed.model.members, straight.model.members, strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    pd.testing.assert_series_equal(by_chip(resumed), by_chip(straight), check_exact=True)
    pd.testing.assert_frame_equal(resumed.curves, straight.curves, check_exact=True)


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


def test_killed_run_gives_the_same_weights(data: TrainingData, straight: CrossValidation, tmp_path: Path) -> None:
    process = TRAINING.Process(target=train, args=(data, tmp_path, SETTINGS))
    process.start()
    kill_when(process, (tmp_path / "network_1" / LAST_CHECKPOINT).is_file)
    assert (tmp_path / "network_0" / "fit.pt").exists()
    assert not (tmp_path / "network_1" / "fit.pt").exists()
    assert_same(train(data, tmp_path, SETTINGS), straight)
    assert list(tmp_path.iterdir()) == []


def test_killed_worker_of_a_cluster(data: TrainingData, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 30})
    straight = train(data, tmp_path / "straight", settings)
    folds = [tmp_path / "cluster" / f"network_{fold}" for fold in (0, 1)]

    def kill_one(cluster: LocalCluster) -> None:
        deadline = time.monotonic() + 120
        while not all((fold / LAST_CHECKPOINT).is_file() for fold in folds) and time.monotonic() < deadline:
            time.sleep(0.002)
        assert not any((fold / "fit.pt").exists() for fold in folds)
        os.kill(cluster.workers[0].process.process.pid, signal.SIGKILL)

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
        ThreadPoolExecutor() as threads,
    ):
        client.run(importlib.import_module, "mining_the_mines.models.classification")  # both begin at the same time
        killed = threads.submit(kill_one, cluster)
        dask = DaskSettings(address=cluster.scheduler_address)
        result = train(data, tmp_path / "cluster", settings, dask=dask)
        killed.result()
    assert_same(result, straight)


def test_reading_ahead(data: TrainingData, interrupted: Path, straight: CrossValidation, tmp_path: Path) -> None:
    shutil.copytree(interrupted, tmp_path / "copy")
    assert_same(train(data, tmp_path / "copy", SETTINGS.model_copy(update={"loader_workers": 1})), straight)


@pytest.mark.parametrize("finished", [True, False])
def test_kill_after_the_last_epoch(finished: bool, data: TrainingData, tmp_path: Path) -> None:
    chips = data.labelled()
    straight = SETTINGS.fit(chips, 0, tmp_path, ignore_epochs)
    if not finished:
        (tmp_path / FINISHED).unlink()
    again = SETTINGS.fit(chips, 0, tmp_path, ignore_epochs)
    assert all(torch.equal(again.members[0][name], tensor) for name, tensor in straight.members[0].items())
    np.testing.assert_array_equal(again.probabilities, straight.probabilities)
    assert again.curves == straight.curves


@pytest.mark.parametrize("what", ["parameters", "chips", "labels"])
def test_checkpoints_of_other_data(what: str, data: TrainingData, interrupted: Path, tmp_path: Path) -> None:
    shutil.copytree(interrupted, tmp_path / "copy")
    settings = SETTINGS
    if what == "parameters":
        settings = settings.model_copy(update={"learning_rate": 1e-4})
    elif what == "chips":
        data = separable_chips(seed=1)
    else:
        data = data.with_flipped_labels(0)
    assert_same(train(data, tmp_path / "copy", settings), train(data, tmp_path / "straight", settings))


def test_only_folders_of_jobs_are_removed(data: TrainingData, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("years of work", encoding="utf-8")
    train(data, tmp_path, quick_settings(epochs=1))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


def test_workers_end_with_a_killed_parent(data: TrainingData, tmp_path: Path) -> None:
    process = TRAINING.Process(target=train, args=(data, tmp_path, quick_settings(epochs=400), 2))
    process.start()
    workers: list[psutil.Process] = []

    def training() -> bool:
        workers[:] = psutil.Process(process.pid).children(recursive=True)
        return (tmp_path / "network_1" / LAST_CHECKPOINT).is_file()

    kill_when(process, training)
    assert len(workers) > 1
    _, left = psutil.wait_procs(workers, timeout=10)
    assert not [worker for worker in left if worker.status() != psutil.STATUS_ZOMBIE]


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
