"""Tracked runs, found by id, name or age and read back from MLflow."""

import atexit
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.tracking.delivery import PARENT, RUN_KEY
from mining_the_mines.tracking.store import RunStore, beside_the_store, embedded_file

#: The newest finished run; ``LAST~1`` is the one before, as git counts back.
LAST: Final = "LAST"
_BACK: Final = re.compile(rf"{LAST}(?:~(\d+))?")
_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")
_PREFIX: Final = re.compile(r"[0-9a-f]{1,31}")
#: Runs that an error names.
_SHOWN: Final = 5
_SHORT: Final = 12
#: Runs of folds and the like belong to another run.
_TOP_LEVEL: Final = f"tags.`{PARENT}` IS NULL"
_PAGE: Final = 200


@dataclass(frozen=True)
class TrackedFacts:
    """A run as MLflow knows it.

    Attributes:
        id: 32 hexadecimal digits.
        name: As it was given, or the names of its pipelines; need not be unique.
        status: ``FINISHED``, ``FAILED``, ``KILLED``, ``RUNNING`` or ``SCHEDULED``.
        started: In UTC.
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
        """List the files that the run has logged into a folder, in order.

        Args:
            folder: Path within the run's artifacts.

        Raises:
            BadInputError: The store does not answer.
        """
        from mlflow.exceptions import MlflowException

        try:
            found = self.store.client().list_artifacts(self.id, folder or None)
        except (MlflowException, OSError) as error:
            raise self.store.unreachable(error) from error
        return tuple(sorted(entry.path for entry in found if not entry.is_dir))

    def artifact(self, path: str) -> Path:
        """Fetch a file, or a folder, that the run has logged.

        Args:
            path: Within the run's artifacts, such as ``provenance/run.json``.

        Returns:
            Its path on this machine: a copy that is deleted when the process ends.

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
    """Find a run.

    Args:
        wanted: Its id, the first digits of it, its name, or :data:`LAST` for the newest finished run (``LAST~1`` for
            the one before).
        store: Where to look.

    Raises:
        BadInputError: There is no such run, or more than one; or the store does not answer.
    """
    from mlflow.exceptions import MlflowException

    database = embedded_file(store.address)
    if database is not None and not database.is_file():
        raise BadInputError(f"There is no {database}, so no run has been tracked here yet: kedro run.")
    try:
        runs = _Runs(store)
        back = _BACK.fullmatch(wanted)
        found = runs.finished(int(back[1] or 0)) if back else runs.called(wanted)
        last = [] if found else list(islice(runs.newest_first(), _SHOWN))
    except (MlflowException, OSError) as error:
        raise store.unreachable(error) from error
    if len(found) == 1:
        return _facts(found[0], store)
    if found:
        raise BadInputError(f"{len(found)} runs are called {wanted}: name one by its id ({_listed(found)}).")
    known = f"name one of the last ones ({_listed(last)})" if last else "none has been tracked there yet: kedro run"
    raise BadInputError(f"There is no{' finished' if back else ''} run {wanted} in {store.name}: {known}.")


class _Runs:
    """The top-level runs of a project's experiment, and of the experiments that were created when it was moved."""

    def __init__(self, store: RunStore) -> None:
        self._client = store.client()
        moved = self._client.search_experiments(filter_string=f"name LIKE '{store.experiment} in %'")
        named = self._client.get_experiment_by_name(store.experiment)
        self._experiments = [each.experiment_id for each in [named, *moved] if each is not None]

    def called(self, wanted: str) -> list[Any]:
        """Return the run of this id, else those of this name, else those whose id begins with it."""
        if _RUN_ID.fullmatch(wanted):
            by_id = list(self.newest_first(f"attributes.run_id = '{wanted}'"))
            return by_id or list(self.newest_first(f"tags.{RUN_KEY} = '{wanted}'"))
        named = [run for run in self.newest_first() if run.info.run_name == wanted]
        if named or not _PREFIX.fullmatch(wanted):
            return named
        return list(self.newest_first(f"attributes.run_id LIKE '{wanted}%'"))

    def finished(self, back: int) -> list[Any]:
        """Return the finished run with this many finished runs after it; ``None`` if there is none."""
        return list(islice(self.newest_first("attributes.status = 'FINISHED'"), back, back + 1))

    def newest_first(self, condition: str = "") -> Iterator[Any]:
        """Yield runs by the time of their start."""
        token: str | None = None
        while self._experiments:
            page = self._client.search_runs(
                self._experiments,
                filter_string=" and ".join(filter(None, (_TOP_LEVEL, condition))),
                max_results=_PAGE,
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
            yield from page
            token = page.token
            if not token:
                return


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
    lines = []
    for run in runs[:_SHOWN]:
        began = datetime.fromtimestamp(run.info.start_time / 1000, UTC)
        lines.append(f"{run.info.run_id[:_SHORT]} {run.info.run_name} {began:%Y-%m-%d %H:%M} {run.info.status.lower()}")
    return "; ".join(lines) + ("; …" if len(runs) > _SHOWN else "")
