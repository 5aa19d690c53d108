"""The run that this process tracks: written to MLflow directly, and to disk once the server does not answer."""

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mining_the_mines.core.redaction import redact, redact_all
from mining_the_mines.tracking.delivery import Delivery, DeniedError, Entry, RefusedError, UnansweredError
from mining_the_mines.tracking.store import RunStore, TrackingError
from mining_the_mines.tracking.unsent import UnsentRecord, send_record

logger = logging.getLogger(__name__)

FINISHED: Final = "FINISHED"
FAILED: Final = "FAILED"
KILLED: Final = "KILLED"


class ChildRun:
    """A run within the run, such as a fold of a training.

    Texts lose the passwords and signatures of addresses; files are logged as they are.

    Args:
        key: Identifies it before MLflow gives it an id.
        write: Takes entries.
    """

    def __init__(self, key: str, write: Callable[[Entry], None]) -> None:
        self.key = key
        self._write = write

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set tags; the last value of a name stays."""
        self._write(self._entry(tags=_texts(tags)))

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log parameters; MLflow refuses another value for one that it knows."""
        self._write(self._entry(params=_texts(params)))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics.

        Args:
            metrics: By name.
            step: Such as the number of the epoch; ``None`` for figures of the whole run.
        """
        self._write(self._entry(metrics={name: float(value) for name, value in metrics.items()}, step=step or 0))

    def end(self, status: str = FINISHED) -> None:
        """End the run with MLflow's status: ``FINISHED``, ``FAILED`` or ``KILLED``."""
        self._write(self._entry(status=status))

    def _entry(self, **fields: object) -> Entry:
        return Entry.model_validate({"run": self.key, "time": milliseconds(), **fields})


class TrackedRun(ChildRun):
    """The run that this process is; made by :func:`start_run`.

    Args:
        store: Where it is tracked.
        record: Where it is kept while the store does not answer.
    """

    def __init__(self, store: RunStore, record: UnsentRecord) -> None:
        super().__init__(record.key, self._deliver)
        self.store = store
        self._record = record
        self._delivery = Delivery(store)
        self._offline = False
        self._tags: dict[str, str] = {}

    @property
    def run_id(self) -> str:
        """MLflow's id of the run, or its key while MLflow does not know the run."""
        return self._delivery.ids.get(self.key, self.key)

    @property
    def is_known(self) -> bool:
        """Whether MLflow knows the run."""
        return self.key in self._delivery.ids

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags that this process has set."""
        return dict(self._tags)

    def begin(self, name: str) -> None:
        """Create the run.

        Raises:
            TrackingError: The server wants a user and password.
        """
        try:
            self._delivery.write(self._entry(name=name))
        except DeniedError as error:
            self._record.remove()
            raise TrackingError(
                f"The tracking server {self.store.name} denies access: set MLFLOW_TRACKING_USERNAME and "
                f"MLFLOW_TRACKING_PASSWORD, and name it as its --allowed-hosts do. ({error})"
            ) from None
        except RefusedError as error:
            self._record.remove()
            raise TrackingError(f"{self.store.name} refuses the run: name another experiment. ({error})") from None
        except UnansweredError as error:
            self._go_offline(error)
            self._record.append(self._entry(name=name))

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set tags; the last value of a name stays."""
        self._tags |= _texts(tags)
        super().set_tags(tags)

    def log_artifact(self, path: Path | str, folder: str = "") -> None:
        """Log a file or a folder, as it is now.

        Args:
            path: The file or folder.
            folder: Folder among the run's artifacts; the topmost by default.
        """
        self._write(self._entry(file=str(path), folder=folder))

    def log_text(self, text: str, path: str) -> None:
        """Log a text as a file.

        Args:
            text: Its content.
            path: Its path among the run's artifacts, such as ``provenance/run.json``.
        """
        self._write(self._entry(texts={path: text}))

    def start_child(self, name: str) -> ChildRun:
        """Start a run within this one."""
        child = ChildRun(uuid.uuid4().hex, self._write)
        self._write(Entry(run=child.key, time=milliseconds(), name=name, parent=self.key))
        return child

    def end(self, status: str = FINISHED) -> None:
        """End the run; if the server has missed something, try once more to send it."""
        super().end(status)
        if not self._offline:
            self._record.remove()
            return
        self._record.close()
        sending = send_record(self._record.folder, self.store)
        if sending is not None and sending.outcome != "sent":
            logger.warning(
                "%s has not got all of run %s (%s): the rest is kept in %s; type: kedro send-unsent",
                self.store.name, self.run_id, sending.reason, self._record.folder,
            )  # fmt: skip

    def _deliver(self, entry: Entry) -> None:
        if self._offline:
            self._record.append(entry)
            return
        try:
            self._delivery.write(entry)
        except RefusedError as error:
            logger.warning("MLflow refuses an entry of run %s, which goes on without it: %s", self.run_id, error)
        except UnansweredError as error:
            self._go_offline(error)
            self._record.append(entry)
        else:
            self._record.touch()

    def _go_offline(self, error: Exception) -> None:
        self._offline = True
        logger.warning(
            "The tracking server %s does not answer (%s). The run goes on; its record is kept in %s until it is sent.",
            self.store.name, error, self._record.folder,
        )  # fmt: skip


def start_run(store: RunStore, unsent: Path, name: str) -> TrackedRun:
    """Start a run.

    Args:
        store: Where it is tracked.
        unsent: Folder of records that the server has not got.
        name: Its name.

    Raises:
        TrackingError: The server wants a user and password.
        BadInputError: The record can't be written.
    """
    run = TrackedRun(store, UnsentRecord.create(unsent / uuid.uuid4().hex, store))
    run.begin(name)
    return run


class _Process:
    """The run that this process tracks."""

    run: TrackedRun | None = None


def active_run() -> TrackedRun | None:
    """Return the run that this process tracks, whichever thread asks; ``None`` where none is tracked."""
    return _Process.run


def set_active_run(run: TrackedRun | None) -> None:
    """Make a run the one that this process tracks; ``None`` when it has ended."""
    _Process.run = run


def milliseconds() -> int:
    """Return the time as MLflow counts it, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: redact(str(value)) for name, value in redact_all(dict(values)).items()}
