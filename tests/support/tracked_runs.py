"""Runs that log what a training would, and their traces in MLflow."""

import subprocess
import sys
import time
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run

from mining_the_mines.tracking.run import TrackedRun, start_run
from mining_the_mines.tracking.store import RunStore, limit_waiting
from support.empty_stores import make_store

EXPERIMENT = "mining_the_mines"

#: A process that logs a training, epoch by epoch, of two folds.
_TRAINING = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[6])
from support.tracked_runs import train
train(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), hang=sys.argv[5] == "True")
"""


def embedded(folder: Path) -> RunStore:
    """An embedded store in a folder."""
    return RunStore(f"sqlite:///{make_store(folder / 'mlflow.db')}", EXPERIMENT)


def begin(folder: Path, store: RunStore, name: str = "training") -> TrackedRun:
    """Start a run whose record lies in ``unsent`` below the folder."""
    limit_waiting(5)
    return start_run(store, folder / "unsent", name)


def begin_training(
    folder: Path, address: str, epochs: int, seconds: float, *, hang: bool = False
) -> subprocess.Popen[str]:
    """Start a process that logs a training; see :func:`train`."""
    given = [str(folder), address, str(epochs), str(seconds), str(hang), str(Path(__file__).parents[1])]
    return subprocess.Popen([sys.executable, "-c", _TRAINING, *given], stdout=subprocess.PIPE, text=True)


def train(folder: Path, address: str, epochs: int, seconds: float, *, hang: bool) -> None:
    """Log a training; print its run's key first.

    Args:
        folder: Of its project.
        address: Where it is tracked.
        epochs: Of each of two folds.
        seconds: Duration of an epoch.
        hang: Hang after the last epoch.
    """
    run = begin(folder, RunStore(address, EXPERIMENT))
    _say(run.key)
    run.log_params({"epochs": epochs})
    for fold in range(2):
        child = run.start_child(f"fold {fold}")
        for epoch in range(epochs):
            child.log_metrics({"loss": 1 / (1 + epoch), "rate": 0.1 * epoch}, step=epoch)
            run.log_text(f"{epoch}", f"epochs/{fold}-{epoch}.txt")
            time.sleep(seconds)
        if hang and fold:
            _say("hanging")
            time.sleep(600)
        child.end()
    run.log_metrics({"f1": 0.5})
    run.end()


def _say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def of_key(client: MlflowClient, key: str) -> Run:
    """The one run of this key."""
    experiments = [each.experiment_id for each in client.search_experiments()]
    (run,) = client.search_runs(experiments, f"tags.run_key = '{key}'")
    return run


def children(client: MlflowClient, run_id: str) -> dict[str, Run]:
    """A run's children by their names, each of which is there once."""
    experiment = client.get_run(run_id).info.experiment_id
    found = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'")
    names = [str(run.info.run_name) for run in found]
    assert len(set(names)) == len(names)
    return dict(zip(names, found, strict=True))


def losses(client: MlflowClient, run_id: str) -> dict[str, list[float]]:
    """The losses of a run's folds, epoch by epoch."""
    return {
        name: [each.value for each in client.get_metric_history(run.info.run_id, "loss")]
        for name, run in children(client, run_id).items()
    }
