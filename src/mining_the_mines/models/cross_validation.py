"""Cross-validation of any kinds of models: fold by fold, several folds at a time, resumable after a kill.

Every fold of every model is a job with a folder of its own. A job that was finished is read back; a job that was
interrupted goes on from its checkpoint. Jobs run in this process or in worker processes, each with the same number of
threads, so that the weights do not depend on the number of workers.
"""

import multiprocessing
import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from multiprocessing.context import ForkServerContext
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.epoch_events import EpochEvent, send_epoch
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
    """One fold of one model.

    Attributes:
        model: Name of the model.
        kind: How it is trained.
        data: Labelled chips.
        fold: The fold that is held out.
        folder: Folder of checkpoints and of the finished fit.
    """

    model: str
    kind: ModelKind
    data: LabelledChips
    fold: int
    folder: Path

    @property
    def name(self) -> str:
        """Name for people, and of its run in MLflow."""
        return f"{self.model}, fold {self.fold}"


def cross_validate(
    kinds: Mapping[str, ModelKind],
    data: LabelledChips,
    layout: ChipLayout,
    folder: Path,
    workers: int | None = 1,
) -> dict[str, CrossValidation]:
    """Train each model on all folds but one, and predict that one, for every fold.

    Args:
        kinds: The models by name.
        data: Chips of the training split.
        layout: Input of the models.
        folder: Work folder; checkpoints of the same data, parameters and code are continued, all others are removed,
            and so are all checkpoints at the end.
        workers: Folds at the same time; ``None`` for one more than CPU cores, or one where there is a GPU.

    Returns:
        Each model with its out-of-fold predictions, in the order of ``kinds``.
    """
    folds = sorted(int(fold) for fold in data.folds["fold"].unique())
    jobs = [
        FoldJob(name, kind, data, fold, folder / f"{name}_{fold}") for name, kind in kinds.items() for fold in folds
    ]
    _clear(folder, {job.folder: _fingerprint(job) for job in jobs})
    with _progress(jobs) as follow:
        # The longest first, so that no worker trains alone at the end.
        fits = run_jobs(sorted(jobs, key=lambda job: -job.kind.epochs_a_fold), follow, workers)
    joined = {
        name: _join(kind, data, layout, {job.fold: fits[job.folder] for job in jobs if job.model == name})
        for name, kind in kinds.items()
    }
    for job in jobs:
        shutil.rmtree(job.folder, ignore_errors=True)
    return joined


def _join(kind: ModelKind, data: LabelledChips, layout: ChipLayout, fits: dict[int, FoldFit]) -> CrossValidation:
    curves = [pd.DataFrame(fit.curves).assign(fold=fold) for fold, fit in fits.items() if fit.curves]
    importances = [fit.importances for fit in fits.values() if fit.importances]
    return CrossValidation(
        TrainedModel(kind, layout, tuple(member for fit in fits.values() for member in fit.members)),
        tuple(name for fold in fits for name in data.inside(fold)["filename"]),
        np.concatenate([fit.probabilities for fit in fits.values()]),
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


def run_jobs(jobs: Sequence[FoldJob], follow: _Follower, workers: int | None) -> dict[Path, FoldFit]:
    """Run jobs in this process, or in worker processes if several are wanted.

    Args:
        jobs: The jobs, in the order in which they start.
        follow: Follows what they report.
        workers: Number of processes; see :func:`cross_validate`.

    Returns:
        The fits by the jobs' folders.
    """
    number = min(_usual_workers() if workers is None else workers, len(jobs))
    if number <= 1:
        for job in jobs:
            run_job(job, partial(follow.epoch, job.name))
            follow.finished(job.name)
    else:
        _run_in_workers(jobs, follow, number)
    return {job.folder: _recall(job.folder) for job in jobs}


def run_job(job: FoldJob, report: ReportEpoch) -> None:
    """Train one fold, unless that was finished before, and keep the fit in the job's folder."""
    if (job.folder / _FIT).is_file():
        return
    fit = job.kind.fit(job.data, job.fold, job.folder, report)
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


def _run_in_workers(jobs: Sequence[FoldJob], follow: _Follower, workers: int) -> None:
    context = worker_context()
    events = context.SimpleQueue()  # without a thread in between: an epoch arrives before its job ends
    with ProcessPoolExecutor(workers, context, _begin_worker, (events,)) as pool:
        running: dict[Future[None], FoldJob] = {pool.submit(_work, job): job for job in jobs}
        try:
            while running:
                done, _ = wait(running, timeout=_PATIENCE, return_when=FIRST_COMPLETED)
                while not events.empty():
                    follow.epoch(*events.get())
                for future in done:
                    future.result()
                    follow.finished(running.pop(future).name)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


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


def _work(job: FoldJob) -> None:
    run_job(job, lambda epoch, figures: _Worker.events.put((job.name, epoch, dict(figures))))


def _usual_workers() -> int:
    """One worker more than CPU cores, so that no core is idle beside the last fold; one where there is a GPU."""
    if torch.cuda.is_available():
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + 1 if cores > 1 else 1


def _fingerprint(job: FoldJob) -> str:
    """Hash of everything that the weights depend on: parameters, files, data, code and torch."""
    files = [hash_file(path) for path in job.kind.files]
    return hash_values([result_parameters(job.kind), files, job.data.content_hashes, _code_hash(), version("torch")])


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
