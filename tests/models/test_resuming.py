"""Going on after an interruption, as if there had been none."""

import itertools
import multiprocessing
import multiprocessing.process
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.checkpoints import FINISHED, AtomicCheckpoints
from mining_the_mines.models.cross_validation import CrossValidation
from mining_the_mines.models.fit import LAST_CHECKPOINT
from mining_the_mines.models.settings import ClassifierTrainingSettings
from support.training_data import (
    BATCH_NORM,
    TrainingData,
    by_chip,
    quick_settings,
    separable_chips,
    train,
    train_on_one_thread,
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
    ours, theirs = resumed.ensemble.state_dict(), straight.ensemble.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    pd.testing.assert_series_equal(by_chip(resumed), by_chip(straight), check_exact=True)
    pd.testing.assert_frame_equal(resumed.curves, straight.curves, check_exact=True)


def kill_in_mid_epoch(data: TrainingData, folder: Path, settings: ClassifierTrainingSettings) -> None:
    """Train in another process, and kill it as soon as the second fold has a checkpoint."""
    process = SPAWN.Process(target=train_on_one_thread, args=(data, folder, settings))
    process.start()
    kill_when(process, (folder / "fold_1" / LAST_CHECKPOINT).is_file)
    assert not (folder / "fold_1" / FINISHED).exists()


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
    [{}, EVERYTHING_AT_ONCE, {"loader_workers": 1}],
    ids=["plain", "averaged and stopped early", "reading ahead"],
)
def test_a_killed_run_goes_on_to_the_same_weights_bit_for_bit(
    changes: dict[str, object], data: TrainingData, tmp_path: Path
) -> None:
    settings = quick_settings(epochs=8, **changes)
    kill_in_mid_epoch(data, tmp_path / "killed", settings)
    resumed = train(data, tmp_path / "killed", settings.model_copy(update={"resume": True}))
    assert_same(resumed, train(data, tmp_path / "straight", settings))


@pytest.mark.parametrize("changes", [{}, EVERYTHING_AT_ONCE], ids=["plain", "averaged and stopped early"])
def test_a_finished_run_taken_up_again_changes_nothing(
    changes: dict[str, object], data: TrainingData, tmp_path: Path
) -> None:
    settings = quick_settings(epochs=5, **changes)
    straight = train(data, tmp_path, settings)
    assert_same(train(data, tmp_path, settings.model_copy(update={"resume": True})), straight)


@pytest.mark.parametrize(
    "changes",
    [
        {"average_decay": 0.7, "network": BATCH_NORM},
        {"network": BATCH_NORM, "early_stopping_patience": 1, "early_stopping_share": 0.3, "learning_rate": 3e-2},
    ],
    ids=["averaged", "stopped early"],
)
def test_a_kill_after_the_last_checkpoint_changes_nothing(
    changes: dict[str, object], data: TrainingData, tmp_path: Path
) -> None:
    settings = quick_settings(epochs=8, **changes)
    straight = train(data, tmp_path, settings)
    for path in tmp_path.glob(f"*/{FINISHED}"):
        path.unlink()
    assert_same(train(data, tmp_path, settings.model_copy(update={"resume": True})), straight)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("what", ["parameters", "chips", "labels"])
def test_a_run_on_other_data_or_parameters_is_refused_and_leaves_the_checkpoints(
    what: str, data: TrainingData, tmp_path: Path
) -> None:
    settings = quick_settings(epochs=1)
    train(data, tmp_path, settings)
    before = contents(tmp_path)
    if what == "parameters":
        settings = settings.model_copy(update={"learning_rate": 1e-4})
    elif what == "chips":
        data = separable_chips(seed=1)
    else:
        data = data.with_flipped_labels(0)
    with pytest.raises(BadInputError, match=r"checkpoints in .* were made with other .*: restore .*training\.resume"):
        train(data, tmp_path, settings.model_copy(update={"resume": True}))
    assert contents(tmp_path) == before


def test_resuming_where_there_is_nothing_starts_anew(data: TrainingData, tmp_path: Path) -> None:
    settings = quick_settings(epochs=1, resume=True)
    assert len(train(data, tmp_path / "new", settings).curves) == 2


def test_starting_anew_leaves_what_is_not_its_own(data: TrainingData, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    (tmp_path / "fold_7").mkdir()
    train(data, tmp_path, quick_settings(epochs=1))
    assert (tmp_path / "thesis.txt").is_file()
    assert not (tmp_path / "fold_7").exists()


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
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


def test_a_kill_while_a_checkpoint_is_written_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / LAST_CHECKPOINT
    process = FORK.Process(target=write_checkpoints, args=(path,))
    process.start()
    kill_when(process, lambda: path.is_file() and len(list(tmp_path.iterdir())) == 2)
    weights = torch.load(path, weights_only=True)["weights"]
    assert len(weights) == 2**20
    assert (weights == weights[0]).all()
