"""Cross-validation of any kinds of models: fold by fold, several folds at a time, resumable after a kill.

Every fold of every model is a job with a folder of its own, or one job per network. A job that was finished is read
back; a job that was interrupted goes on from its checkpoint. Jobs run in this process, in worker processes or on the
workers of a Dask cluster, each with the same number of threads, so that the weights do not depend on the workers.
"""

import multiprocessing
import os
import queue
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from multiprocessing.context import ForkServerContext
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from uuid import uuid4

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.epoch_events import EpochEvent, send_epoch
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.execution_fields import result_parameters
from mining_the_mines.core.hashing import hash_file, hash_files, hash_values
from mining_the_mines.models.kinds import (
    ChipLayout,
    FoldFit,
    LabelledChips,
    ModelKind,
    ReportEpoch,
    TrainedModel,
)
from mining_the_mines.models.tables import importance_table

if TYPE_CHECKING:
    from mining_the_mines.core.dask_client import DaskSettings

_FIT: Final = "fit.pt"
_FINGERPRINT: Final = "fingerprint.txt"
#: Imported once for all workers.
_PRELOADED: Final = [f"{__package__}.{module}" for module in ("cross_validation", "classification", "segmentation")]
#: Seconds between two looks at the workers' reports.
_PATIENCE: Final = 0.5


@dataclass(frozen=True)
class CrossValidation:
    """A model with its out-of-fold predictions.

    Attributes:
        model: The members of all folds.
        filenames: The chips that were predicted, each out of fold.
        probabilities: For each of them, ``(N,)``, or for each of their pixels, ``(N, H, W)``.
        curves: One row per epoch: ``fold``, ``network``, ``epoch`` and figures; empty for models without epochs.
        importances: ``feature``, ``importance`` and ``deviation``; empty for models that see no features.
    """

    model: TrainedModel
    filenames: tuple[str, ...]
    probabilities: NDArray[np.floating[Any]]
    curves: pd.DataFrame
    importances: pd.DataFrame


@dataclass(frozen=True)
class FoldJob:
    """One fold of one model, or one of its networks.

    Attributes:
        model: Name of the model.
        kind: How it is trained.
        fold: The fold that is held out.
        network: Number of the network, where a fold has several.
        folder: Folder of checkpoints and of the finished fit.
    """

    model: str
    kind: ModelKind
    fold: int
    network: int | None
    folder: Path

    @property
    def name(self) -> str:
        """Name for people, and of its run in MLflow."""
        return f"{self.model}, fold {self.fold}" + ("" if self.network is None else f", network {self.network}")


def cross_validate(
    kinds: Mapping[str, ModelKind],
    data: LabelledChips,
    layout: ChipLayout,
    folder: Path,
    workers: int | None = 1,
    dask: "DaskSettings | None" = None,
) -> dict[str, CrossValidation]:
    """Train each model on all folds but one, and predict that one, for every fold.

    Args:
        kinds: The models by name.
        data: Chips of the training split.
        layout: Input of the models.
        folder: Work folder; checkpoints of the same data, parameters and code are continued, all others are removed,
            and so are all checkpoints at the end.
        workers: Folds at the same time on this machine; ``None`` for one more than CPU cores, or one where there is a
            GPU.
        dask: If it has an address, folds are trained by the workers there, who need to see the work folder.

    Returns:
        Each model with its out-of-fold predictions, in the order of ``kinds``.
    """
    folds = sorted(int(fold) for fold in data.folds["fold"].unique())
    jobs = [job for name, kind in kinds.items() for fold in folds for job in _jobs(name, kind, fold, folder)]
    _clear(folder, {job.folder: _fingerprint(job, data) for job in jobs})
    with _progress(jobs) as follow:
        # The longest first, so that no worker trains alone at the end.
        longest_first = sorted(jobs, key=lambda job: -job.kind.epochs_a_fold)
        if dask is not None and dask.address is not None:
            with _cluster_workers(dask, data) as cluster:
                _run_by_workers(longest_first, follow, cluster)
        else:
            _run_here(longest_first, data, follow, workers)
    fits = {job.folder: _recall(job.folder) for job in jobs}
    joined = {
        name: _join(kind, data, layout, [(job, fits[job.folder]) for job in jobs if job.model == name])
        for name, kind in kinds.items()
    }
    for job in jobs:
        shutil.rmtree(job.folder, ignore_errors=True)
    return joined


def _jobs(name: str, kind: ModelKind, fold: int, folder: Path) -> list[FoldJob]:
    kinds = kind.split()
    if len(kinds) == 1:
        return [FoldJob(name, kind, fold, None, folder / f"{name}_{fold}")]
    return [
        FoldJob(name, single, fold, number, folder / f"{name}_{fold}_{number}") for number, single in enumerate(kinds)
    ]


def _join(
    kind: ModelKind, data: LabelledChips, layout: ChipLayout, fits: Sequence[tuple[FoldJob, FoldFit]]
) -> CrossValidation:
    apart: dict[int, list[NDArray[np.floating[Any]]]] = {}
    for job, fit in fits:
        apart.setdefault(job.fold, []).append(fit.probabilities)
    curves = [
        pd.DataFrame([{"network": job.network or 0, **row} for row in fit.curves]).assign(fold=job.fold)
        for job, fit in fits
        if fit.curves
    ]
    importances = [fit.importances for _, fit in fits if fit.importances]
    return CrossValidation(
        TrainedModel(kind, layout, tuple(member for _, fit in fits for member in fit.members)),
        tuple(name for fold in apart for name in data.inside(fold)["filename"]),
        np.concatenate([each[0] if len(each) == 1 else np.mean(each, axis=0) for each in apart.values()]),
        pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(),
        importance_table(importances) if importances else pd.DataFrame(),
    )


class _Follower:
    """Shows the reports of jobs, and passes them on to trackers."""

    def __init__(self, jobs: Sequence[FoldJob], bar: Progress) -> None:
        self.bar = bar
        self.epochs = {job.name: job.kind.epochs_a_fold for job in jobs}
        self.done = dict.fromkeys(self.epochs, 0)
        self.task = bar.add_task("Training", total=sum(self.epochs.values()))

    def epoch(self, name: str, epoch: int, figures: Mapping[str, float]) -> None:
        """Take note that an epoch has ended."""
        self.done[name] = epoch + 1
        shown = [f"{title.replace('_', ' ')} {value:.3f}" for title, value in figures.items() if title in _SHOWN]
        self._show(" · ".join([name, *shown]))
        send_epoch(EpochEvent(name, epoch, figures))

    def finished(self, name: str) -> None:
        """Take note that a job has ended."""
        self.done[name] = self.epochs[name]
        self._show(name)
        if self.epochs[name] > 1:
            send_epoch(EpochEvent(name, self.epochs[name] - 1, finished=True))

    def _show(self, text: str) -> None:
        self.bar.update(self.task, completed=sum(self.done.values()), description=text)


_SHOWN: Final = ("training_loss", "validation_roc_auc", "validation_iou")


@contextmanager
def _progress(jobs: Sequence[FoldJob]) -> Iterator[_Follower]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns) as bar:
        yield _Follower(jobs, bar)


def _run_here(jobs: Sequence[FoldJob], data: LabelledChips, follow: _Follower, workers: int | None) -> None:
    """Run jobs in this process, or in worker processes if several are wanted; see :func:`cross_validate`."""
    number = min(_usual_workers() if workers is None else workers, len(jobs))
    if number > 1:
        with _local_workers(number, data) as pool:
            _run_by_workers(jobs, follow, pool)
        return
    for job in jobs:
        _run(job, data, partial(follow.epoch, job.name))
        follow.finished(job.name)


def _run(job: FoldJob, data: LabelledChips, report: ReportEpoch) -> None:
    """Train one fold, unless that was finished before, and keep the fit in the job's folder."""
    if (job.folder / _FIT).is_file():
        return
    fit = job.kind.fit(data, job.fold, job.folder, report)
    kept = {
        "members": fit.members,
        "probabilities": torch.from_numpy(np.asarray(fit.probabilities)),
        "curves": fit.curves,
        "importances": fit.importances,
    }
    with whole_file(job.folder / _FIT) as draft:
        torch.save(kept, draft)


def _recall(folder: Path) -> FoldFit:
    kept = torch.load(folder / _FIT, map_location="cpu", weights_only=True)
    return FoldFit(kept["members"], kept["probabilities"].numpy(), kept["curves"], kept["importances"])


class _Events(Protocol):
    """Epochs that workers have reported: name of the job, number and figures."""

    def empty(self) -> bool: ...

    def get(self) -> tuple[str, int, dict[str, float]]: ...


class _Workers(NamedTuple):
    submit: Callable[[FoldJob], Future[None]]
    events: _Events


def _run_by_workers(jobs: Sequence[FoldJob], follow: _Follower, workers: _Workers) -> None:
    running = {workers.submit(job): job for job in jobs}
    while running:
        done, _ = wait(running, timeout=_PATIENCE, return_when=FIRST_COMPLETED)
        while not workers.events.empty():
            follow.epoch(*workers.events.get())
        for future in done:
            future.result()
            follow.finished(running.pop(future).name)


@contextmanager
def _local_workers(number: int, data: LabelledChips) -> Iterator[_Workers]:
    context = worker_context()
    events = context.SimpleQueue()  # without a thread in between: an epoch arrives before its job ends
    with ProcessPoolExecutor(number, context, _begin_worker, (events,)) as pool:
        try:
            yield _Workers(lambda job: pool.submit(_work, job, data), events)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _cluster_workers(dask: "DaskSettings", data: LabelledChips) -> Iterator[_Workers]:
    from distributed.protocol.serialize import serialize_bytes

    from mining_the_mines.core.dask_client import connect, share

    events: queue.SimpleQueue[tuple[str, int, dict[str, float]]] = queue.SimpleQueue()
    topic = f"epochs-{uuid4().hex}"
    with connect(dask) as client:
        client.subscribe_topic(topic, lambda event: events.put(event[1]))
        everywhere = share(client, serialize_bytes(data))  # bytes, since the scheduler would open the packed chips
        pool = client.get_executor(pure=False)
        try:
            yield _Workers(lambda job: pool.submit(_work_on_cluster, everywhere, job, topic), events)
        except CancelledError as error:
            raise BadInputError(
                f"The Dask scheduler at {dask.address} went away in mid-training: run again, epochs that have a "
                "checkpoint are kept."
            ) from error
        finally:
            pool.shutdown(wait=False)


#: Trainings in one process would draw from the same random numbers.
_ONE_AT_A_TIME: Final = threading.Lock()


def _work_on_cluster(shared: bytes, job: FoldJob, topic: str) -> None:
    """Run a job on a Dask worker.

    Raises:
        BadInputError: The worker does not see the work folder or the chips, or has another version of the code.
    """
    from distributed import get_worker
    from distributed.protocol.serialize import deserialize_bytes

    worker, here, note = get_worker(), socket.gethostname(), job.folder / _FINGERPRINT
    if not note.is_file():
        raise BadInputError(f"The Dask worker on {here} does not see {job.folder}: give workers the same data folder.")
    data = deserialize_bytes(shared)
    if note.read_text(encoding="utf-8") != _fingerprint(job, data):
        raise BadInputError(
            f"The Dask worker on {here} has other code, or another torch: install the same package and "
            "requirements.lock there, and start its workers again."
        )
    with _ONE_AT_A_TIME:
        _run(job, data, lambda epoch, figures: worker.log_event(topic, (job.name, epoch, dict(figures))))


def worker_context() -> ForkServerContext:
    """Return the context that workers start in: forks of a process that has imported torch and has no threads.

    A fork of this process would inherit locks of torch's threads, and a new process would import torch again.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


class _Worker:
    """Where this process reports epochs, if it is a worker."""

    events: "SimpleQueue[tuple[str, int, dict[str, float]]]"


def _begin_worker(events: "SimpleQueue[tuple[str, int, dict[str, float]]]") -> None:
    """Limit this worker to one thread, and end it when its parent ends, even if that is killed."""
    _Worker.events = events
    torch.set_num_threads(1)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _work(job: FoldJob, data: LabelledChips) -> None:
    _run(job, data, lambda epoch, figures: _Worker.events.put((job.name, epoch, dict(figures))))


def _usual_workers() -> int:
    """One worker more than CPU cores, so that no core is idle beside the last fold; one where there is a GPU."""
    if torch.cuda.is_available():
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 1 if cores > 1 else 1


def _fingerprint(job: FoldJob, data: LabelledChips) -> str:
    """Hash of everything that the weights depend on: parameters, files, data, code and torch."""
    files = [hash_file(path) for path in job.kind.files]
    return hash_values([result_parameters(job.kind), files, data.content_hashes, _code_hash(), version("torch")])


@cache
def _code_hash() -> str:
    """Hash of this package's source."""
    root = Path(__file__).parents[1]
    return hash_files(root.rglob("*.py"), root)


def _clear(folder: Path, fingerprints: Mapping[Path, str]) -> None:
    """Remove the folders of jobs that were run with other data, parameters or code."""
    for job, fingerprint in fingerprints.items():
        note = job / _FINGERPRINT
        if note.is_file() and note.read_text(encoding="utf-8") == fingerprint:
            continue
        shutil.rmtree(job, ignore_errors=True)
        with whole_file(note) as draft:
            draft.write_text(fingerprint, encoding="utf-8")
    for note in folder.glob(f"*/{_FINGERPRINT}"):  # of a model that is trained no more
        if note.parent not in fingerprints:
            shutil.rmtree(note.parent, ignore_errors=True)
