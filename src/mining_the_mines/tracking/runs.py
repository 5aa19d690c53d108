"""Runs, read back from MLflow by what people call them."""

import atexit
import re
import shutil
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.redaction import redact
from mining_the_mines.tracking.moved import beside_the_store

#: The newest finished run; with ``~1`` the one before, as git counts back.
LAST: Final = "LAST"
_BACK: Final = re.compile(rf"{LAST}(?:~(\d+))?")
_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")
_PREFIX: Final = re.compile(r"[0-9a-f]{1,31}")
#: Runs that an error names.
_SHOWN: Final = 5
_SHORT: Final = 12
#: Letters of what a library says of its trouble.
_REASON: Final = 200
#: Runs of folds and the like belong to another run, and are none that one would ask for.
_TOP_LEVEL: Final = "tags.`mlflow.parentRunId` IS NULL"
_PAGE: Final = 200


@dataclass(frozen=True)
class RunStore:
    """Where a project's runs are tracked.

    Attributes:
        address: MLflow's tracking URI, absolute where it names a file.
        experiment: Name of the experiment that holds the runs.
    """

    address: str
    experiment: str


@dataclass(frozen=True)
class TrackedFacts:
    """What MLflow knows of a run.

    Attributes:
        id: 32 hexadecimal digits.
        name: As it was given, or Kedro's name of the pipeline; need not be unique.
        status: ``FINISHED``, ``FAILED``, ``KILLED``, ``RUNNING`` or ``SCHEDULED``.
        started: When it began, in UTC.
        params: Parameters, flattened, as text.
        metrics: Last value of each metric.
        tags: Of the run, MLflow's own among them.
        store: Where it is tracked.
    """

    id: str
    name: str
    status: str
    started: datetime
    params: MappingProxyType[str, str]
    metrics: MappingProxyType[str, float]
    tags: MappingProxyType[str, str]
    store: RunStore

    @property
    def short(self) -> str:
        """The first digits of the id, enough to ask for the run again."""
        return self.id[:_SHORT]

    def artifacts(self, folder: str = "") -> tuple[str, ...]:
        """Name the files that the run has logged into a folder, in order.

        Args:
            folder: Path within the run's artifacts.

        Raises:
            BadInputError: The store does not answer.
        """
        from mlflow.exceptions import MlflowException

        try:
            found = _client(self.store).list_artifacts(self.id, folder or None)
        except (MlflowException, OSError) as error:
            raise _silent(self.store, error) from error
        return tuple(sorted(entry.path for entry in found if not entry.is_dir))

    def artifact(self, path: str) -> Path:
        """Fetch a file, or a folder, that the run has logged.

        Args:
            path: Within the run's artifacts, such as ``provenance/run.json``.

        Returns:
            Where it lies on this machine: a copy that is gone when the process ends.

        Raises:
            BadInputError: The run has no such file, or its store does not answer.
        """
        import mlflow
        from mlflow.exceptions import MlflowException

        folder = tempfile.mkdtemp(prefix="mining_the_mines_run_")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        try:
            kept = mlflow.artifacts.download_artifacts(
                run_id=self.id, artifact_path=path, dst_path=folder, tracking_uri=self.store.address
            )
        except (MlflowException, OSError) as error:
            moved = beside_the_store(self.store.address, self.id, path)
            if moved is not None:
                return moved
            there = self.artifacts(path.rpartition("/")[0]) or self.artifacts()
            known = f"it has {', '.join(there)}" if there else "none of its files can be reached where they were logged"
            raise BadInputError(f"Run {self.short} ({self.name}) has no file {path}: {known}.") from error
        return Path(kept)


def find_run(wanted: str, store: RunStore) -> TrackedFacts:
    """Find a run by what people call it.

    Args:
        wanted: Its id, the first digits of it, its name, or :data:`LAST` for the newest finished run (``LAST~1`` for
            the one before).
        store: Where to look.

    Returns:
        What MLflow knows of it.

    Raises:
        BadInputError: There is no such run, or more than one; or the store does not answer.
    """
    from mlflow.exceptions import MlflowException

    try:
        runs = _Runs(store)
        back = _BACK.fullmatch(wanted)
        found = runs.finished(int(back[1] or 0)) if back else runs.called(wanted)
    except (MlflowException, OSError) as error:
        raise _silent(store, error) from error
    if len(found) == 1:
        return _facts(found[0], store)
    if found:
        raise BadInputError(f"{len(found)} runs are called {wanted}: name one by its id ({_listed(found)}).")
    last = runs.newest(_SHOWN)
    known = f"name one of the last ones ({_listed(last)})" if last else "none has been tracked there yet: kedro run"
    raise BadInputError(f"There is no{' finished' if back else ''} run {wanted} in {redact(store.address)}: {known}.")


class _Runs:
    """The runs of an experiment that belong to no other run."""

    def __init__(self, store: RunStore) -> None:
        self._client = _client(store)
        experiment = self._client.get_experiment_by_name(store.experiment)
        self._experiment = None if experiment is None else experiment.experiment_id

    def called(self, wanted: str) -> list[Any]:
        """Those of this id, else of this name, else those whose id begins so."""
        if _RUN_ID.fullmatch(wanted):
            return list(self._newest_first(f"attributes.run_id = '{wanted}'"))
        named = [run for run in self._newest_first() if run.info.run_name == wanted]
        if named or not _PREFIX.fullmatch(wanted):
            return named
        return list(self._newest_first(f"attributes.run_id LIKE '{wanted}%'"))

    def finished(self, back: int) -> list[Any]:
        """The finished run that so many have followed, if there is one."""
        for index, run in enumerate(self._newest_first("attributes.status = 'FINISHED'")):
            if index == back:
                return [run]
        return []

    def newest(self, number: int) -> list[Any]:
        """Whatever became of them."""
        return [run for run, _ in zip(self._newest_first(), range(number), strict=False)]

    def _newest_first(self, condition: str = "") -> Iterator[Any]:
        token: str | None = None
        while self._experiment is not None:
            page = self._client.search_runs(
                [self._experiment],
                filter_string=" and ".join(filter(None, (_TOP_LEVEL, condition))),
                max_results=_PAGE,
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
            yield from page
            token = page.token
            if not token:
                return


def _client(store: RunStore) -> Any:  # noqa: ANN401 - an MlflowClient; its module takes a second to load
    """A client of the store, without making an empty one where there is none."""
    from mlflow import MlflowClient

    database = re.fullmatch(r"sqlite:///(.+)", store.address)
    if database and not Path(database[1]).is_file():
        raise BadInputError(f"There is no {database[1]}, so no run has been tracked here yet: kedro run.")
    return MlflowClient(store.address)


def _facts(run: Any, store: RunStore) -> TrackedFacts:  # noqa: ANN401 - an mlflow Run
    return TrackedFacts(
        id=run.info.run_id,
        name=run.info.run_name,
        status=run.info.status,
        started=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
        params=MappingProxyType(dict(run.data.params)),
        metrics=MappingProxyType(dict(run.data.metrics)),
        tags=MappingProxyType(dict(run.data.tags)),
        store=store,
    )


def _listed(runs: list[Any]) -> str:
    """The first few as a reader can tell them apart."""
    lines = []
    for run in runs[:_SHOWN]:
        began = datetime.fromtimestamp(run.info.start_time / 1000, UTC)
        lines.append(f"{run.info.run_id[:_SHORT]} {run.info.run_name} {began:%Y-%m-%d %H:%M} {run.info.status.lower()}")
    return "; ".join(lines) + ("; …" if len(runs) > _SHOWN else "")


def _silent(store: RunStore, error: Exception) -> BadInputError:
    reason = textwrap.shorten(redact(str(error)) or type(error).__name__, _REASON, placeholder=" …")
    return BadInputError(
        f"The runs in {redact(store.address)} can't be read: start that server, or name another store by "
        f"MLFLOW_TRACKING_URI. ({reason})"
    )
