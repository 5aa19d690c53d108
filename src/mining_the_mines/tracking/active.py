"""The run that this process tells of, and what may be told."""

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar

from mining_the_mines.core.redaction import redact
from mining_the_mines.tracking.entries import (
    ITSELF,
    MOST_METRICS,
    MOST_PARAMS,
    MOST_TAGS,
    Artifact,
    Ended,
    Entry,
    Metrics,
    Params,
    Started,
    Tags,
)
from mining_the_mines.tracking.journal import Journal
from mining_the_mines.tracking.sender import Sender

Value = TypeVar("Value")

FINISHED: Final = "FINISHED"
FAILED: Final = "FAILED"
KILLED: Final = "KILLED"


class _Teller:
    """Writes down what is to be known of a run, and has it sent.

    All of it returns at once, whether the server answers or not. Texts lose the passwords and signatures of addresses;
    files are sent as they are.
    """

    def __init__(self, journal: Journal, sender: Sender, child: str) -> None:
        self._journal = journal
        self._sender = sender
        self._child = child
        self._params: dict[str, str] = {}
        self._tags: dict[str, str] = {}

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags that this process has set."""
        return dict(self._tags)

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set tags.

        Args:
            tags: By name; the last value of a name stays.
        """
        new = _news(tags, self._tags)
        self._tags |= new
        for part in _parts(new, MOST_TAGS):
            self._tell(Tags(child=self._child, values=part))

    def log_params(self, params: Mapping[str, object]) -> None:
        """Tell parameters.

        Args:
            params: By name; MLflow refuses to change one that it knows.
        """
        new = _news(params, self._params)
        self._params |= new
        for part in _parts(new, MOST_PARAMS):
            self._tell(Params(child=self._child, values=part))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Tell figures.

        Args:
            metrics: By name.
            step: Such as the number of the epoch; ``None`` for figures of the whole run.
        """
        now = _milliseconds()
        plain = {name: float(value) for name, value in metrics.items()}
        for part in _parts(plain, MOST_METRICS):
            self._tell(Metrics(child=self._child, values=part, step=step or 0, time=now))

    def log_artifact(self, path: Path | str, folder: str = "") -> None:
        """Hand over a file or a folder, as it is now.

        Args:
            path: The file or folder.
            folder: Folder among the run's artifacts; by default the topmost.
        """
        copy_at = self._journal.keep(Path(path))
        self._tell(Artifact(child=self._child, copy_at=copy_at, folder=folder))

    def log_text(self, text: str, name: str) -> None:
        """Hand over a text as a file.

        Args:
            text: What it holds.
            name: Its name among the run's artifacts, with folders: ``provenance/run.json``.
        """
        path = PurePosixPath(name)
        place = self._journal.new_place(path.name)
        place.write_text(text, encoding="utf-8", newline="")
        folder = "" if path.parent == PurePosixPath() else str(path.parent)
        copy_at = str(place.relative_to(self._journal.folder))
        self._tell(Artifact(child=self._child, copy_at=copy_at, folder=folder))

    def end(self, status: str = FINISHED) -> None:
        """Say that it came to its end.

        Args:
            status: MLflow's word for how: ``FINISHED``, ``FAILED`` or ``KILLED``.
        """
        self._tell(Ended(child=self._child, status=status, time=_milliseconds()))

    def _tell(self, entry: Entry) -> None:
        self._journal.append(entry)
        self._sender.wake()


class ChildRun(_Teller):
    """A run within the run, such as a fold of the training."""


class TrackedRun(_Teller):
    """The run that this process is.

    Args:
        journal: Where it is written down.
        sender: Who sends it.
    """

    def __init__(self, journal: Journal, sender: Sender) -> None:
        super().__init__(journal, sender, ITSELF)

    @property
    def run_id(self) -> str:
        """Its id in MLflow."""
        return self._journal.destination.run_id

    def start_child(self, name: str) -> ChildRun:
        """Start a run within it.

        Args:
            name: Its name.

        Returns:
            The child; the server gets to know it when it can be asked.
        """
        key = uuid.uuid4().hex
        self._tell(Started(child=key, name=name, time=_milliseconds()))
        return ChildRun(self._journal, self._sender, key)

    def close(self) -> None:
        """Wait until the server has all of it, or for as long as one is patient."""
        self._sender.close()


class _Process:
    """What this process tells of."""

    run: TrackedRun | None = None


def active_run() -> TrackedRun | None:
    """The run that this process tells of, whichever thread asks.

    Returns:
        The run; ``None`` where none is tracked.
    """
    return _Process.run


def set_active_run(run: TrackedRun | None) -> None:
    """Make a run the one that this process tells of.

    Args:
        run: The run; ``None`` when it has ended.
    """
    _Process.run = run


def _news(values: Mapping[str, object], known: Mapping[str, str]) -> dict[str, str]:
    """What was not told before: nodes share parameters."""
    plain = {name: redact(str(value)) for name, value in values.items()}
    return {name: value for name, value in plain.items() if known.get(name) != value}


def _parts(values: Mapping[str, Value], most: int) -> Iterator[dict[str, Value]]:
    items: Iterable[tuple[str, Value]] = iter(values.items())
    while part := dict(islice(items, most)):
        yield part


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000
