"""Runs that tell what a training would, and what MLflow then knows of them."""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from mining_the_mines.tracking.active import TrackedRun
from mining_the_mines.tracking.journal import Destination, create
from mining_the_mines.tracking.sender import Sender
from mining_the_mines.tracking.settings import TrackingSettings, set_time_limits
from mining_the_mines.tracking.starting import Tracker

EXPERIMENT = "mining_the_mines"

#: A process that tells of a training, epoch by epoch, beside two folds.
_TRAINING = """
import sys
from pathlib import Path
from support.tracked_runs import train
train(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), hang=sys.argv[5] == "True")
"""


def store(folder: Path) -> str:
    """An embedded store in a folder."""
    return f"sqlite:///{folder}/mlflow.db"


def tracker(folder: Path, address: str, *, patience_seconds: float = 5, timeout_seconds: int = 5) -> Tracker:
    """Where runs are tracked; what can't be sent stays in ``unsent`` below the folder."""
    client = MlflowClient(address)
    if client.get_experiment_by_name(EXPERIMENT) is None:
        place = str(folder / "artifacts") if address.startswith("sqlite") else None
        with suppress(MlflowException):  # another process may make it at the same moment
            client.create_experiment(EXPERIMENT, place)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    settings = TrackingSettings(
        patience_seconds=patience_seconds, timeout_seconds=timeout_seconds, longest_wait_seconds=1
    )
    set_time_limits(settings)
    return Tracker(address, experiment.experiment_id, folder / "unsent", settings)


def begin_training(
    folder: Path, address: str, epochs: int, seconds: float, *, hang: bool = False
) -> subprocess.Popen[str]:
    """Start a process that tells of a training; see :func:`train`."""
    paths = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
    code = [sys.executable, "-c", paths + _TRAINING, str(folder), address, str(epochs), str(seconds), str(hang)]
    return subprocess.Popen(code, stdout=subprocess.PIPE, text=True)


def train(folder: Path, address: str, epochs: int, seconds: float, *, hang: bool) -> None:
    """Tell of a training; print its run's id first, and last how long telling took at most.

    Args:
        folder: Of its project.
        address: Where it is tracked.
        epochs: Of each of two folds.
        seconds: How long an epoch takes.
        hang: Never send anything, and hang in the last epoch.
    """
    where = tracker(folder, address, patience_seconds=60)
    run = _unheard(where) if hang else where.start("training")
    _say(run.run_id)
    run.log_params({"epochs": epochs})
    slowest = 0.0
    for fold in range(2):
        child = run.start_child(f"fold {fold}")
        for epoch in range(epochs):
            before = time.perf_counter()
            child.log_metrics({"loss": 1 / (1 + epoch), "rate": 0.1 * epoch}, step=epoch)
            run.log_text(f"{epoch}", f"epochs/{fold}-{epoch}.txt")
            slowest = max(slowest, time.perf_counter() - before)
            time.sleep(seconds)
        if hang and fold:
            _say("hanging")
            time.sleep(600)
        child.end()
    run.log_metrics({"f1": 0.5})
    run.end()
    run.close()
    _say(slowest)


def _say(what: object) -> None:
    """To whoever started this process."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def _unheard(where: Tracker) -> TrackedRun:
    """A run whose sender sends nothing."""
    run_id = MlflowClient(where.address).create_run(where.experiment_id, run_name="training").info.run_id
    destination = Destination(address=where.address, experiment_id=where.experiment_id, run_id=run_id, name="training")
    journal = create(where.unsent / run_id, destination)
    return TrackedRun(journal, Sender(journal, lambda _: False, where.settings))


def children(client: MlflowClient, run_id: str) -> dict[str, Run]:
    """A run's children by their names; a name that comes twice fails."""
    experiment = client.get_run(run_id).info.experiment_id
    found = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'")
    names = [str(run.info.run_name) for run in found]
    assert len(set(names)) == len(names)
    return dict(zip(names, found, strict=True))
