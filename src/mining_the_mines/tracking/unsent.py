"""Records of runs that their server has not got: a folder each, with JSON lines and copies of artifacts.

``run.json`` names the store and the run, ``entries.jsonl`` holds what is to be sent, ``files`` the artifacts. The
process of a run holds a lock on its record, so that it is sent by nobody else meanwhile.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.tracking.delivery import Delivery, Entry, RefusedError, UnansweredError
from mining_the_mines.tracking.store import RunStore

_RUN: Final = "run.json"
_ENTRIES: Final = "entries.jsonl"
_FILES: Final = "files"

Outcome = Literal["sent", "unanswered", "elsewhere", "unreadable"]


class _Destination(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str = Field(description="Address of the store, without password.")
    experiment: str = Field(description="Name of the experiment.")


@dataclass(frozen=True)
class Sending:
    """Outcome of sending a record.

    Attributes:
        folder: The record.
        outcome: ``sent``, ``unanswered`` (the server does not answer), ``elsewhere`` (it belongs to another store) or
            ``unreadable``.
        reason: The obstacle, or for a record that was sent what the server refused of it.
        store: Address of the store that it belongs to.
    """

    folder: Path
    outcome: Outcome
    reason: str = ""
    store: str = ""


class UnsentRecord:
    """The record of a run that is under way.

    Args:
        folder: Its folder, named by the run's key.
        entries: Its open and locked file of entries.
    """

    def __init__(self, folder: Path, entries: IO[bytes]) -> None:
        self.folder = folder
        self._entries = entries
        self._files = 0

    @classmethod
    def create(cls, folder: Path, store: RunStore) -> "UnsentRecord":
        """Create the record of a run.

        Raises:
            BadInputError: The folder can't be written to.
        """
        destination = _Destination(store=store.name, experiment=store.experiment)
        try:
            folder.mkdir(parents=True)
            entries = (folder / _ENTRIES).open("ab", buffering=0)
            fcntl.flock(entries, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (folder / _RUN).write_text(destination.model_dump_json(indent=2), encoding="utf-8")
        except OSError as error:
            raise _cannot_write(folder, error) from error
        return cls(folder, entries)

    @property
    def key(self) -> str:
        """The run's key."""
        return self.folder.name

    def append(self, entry: Entry) -> None:
        """Write an entry down, with a copy of its file, which may change before it is sent.

        Raises:
            BadInputError: The disk is full.
        """
        try:
            if entry.file is not None and Path(entry.file).exists():
                entry = entry.model_copy(update={"file": self._keep(Path(entry.file))})
            self._entries.write(entry.model_dump_json(exclude_defaults=True).encode() + b"\n")
        except OSError as error:
            raise _cannot_write(self.folder, error) from error

    def touch(self) -> None:
        """Note that the run is alive: a run that is killed ended at about this time."""
        os.utime(self._entries.fileno())

    def close(self) -> None:
        """Release the lock."""
        self._entries.close()

    def remove(self) -> None:
        """Delete the record: the server has all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.close()

    def _keep(self, path: Path) -> str:
        self._files += 1
        place = self.folder / _FILES / str(self._files) / path.name
        place.parent.mkdir(parents=True)
        if path.is_dir():
            shutil.copytree(path, place)
        else:
            shutil.copyfile(path, place)
        return str(place.relative_to(self.folder))


def send_unsent(folder: Path, store: RunStore) -> Iterator[Sending]:
    """Send the records of runs whose process is gone.

    Args:
        folder: Holds a folder for each run.
        store: Records of another one stay.

    Yields:
        The outcome of each; runs under way are left out. The first unanswered record ends the sending.
    """
    for place in sorted(path for path in folder.glob("*") if path.is_dir()):
        sending = send_record(place, store)
        if sending is not None:
            yield sending
            if sending.outcome == "unanswered":
                return


def send_record(folder: Path, store: RunStore) -> Sending | None:
    """Send the record of a run whose process is gone, and delete it once the server has all of it.

    Sending may be cut off at any point and started again. A run that never ended gets the status ``KILLED``.

    Args:
        folder: The record.
        store: Where to send it.

    Returns:
        The outcome; ``None`` if the run is under way.
    """
    try:
        with (folder / _ENTRIES).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            destination = _Destination.model_validate_json((folder / _RUN).read_text(encoding="utf-8"))
            if destination.store != store.name:
                return Sending(folder, "elsewhere", store=destination.store)
            refused = _send(folder, RunStore(store.address, destination.experiment), lock)
            shutil.rmtree(folder, ignore_errors=True)
            return Sending(folder, "sent", refused, store.name)
    except BlockingIOError:
        return None
    except UnansweredError as error:
        return Sending(folder, "unanswered", str(error), store.name)
    except ValidationError:
        return Sending(folder, "unreadable", "it is damaged, or of another version", store.name)
    except OSError as error:
        return Sending(folder, "unreadable", error.strerror or str(error), store.name)


def _send(folder: Path, store: RunStore, entries: IO[bytes]) -> str:
    """Send all entries; return what the server refused first, or nothing."""
    delivery, refused = Delivery(store), ""
    last = os.fstat(entries.fileno()).st_mtime_ns // 1_000_000
    for line in entries:
        if not line.endswith(b"\n"):  # cut off when the process was killed
            break
        entry = Entry.model_validate_json(line)
        if entry.file is not None:
            entry = entry.model_copy(update={"file": str(folder / entry.file)})
        try:
            delivery.write(entry)
        except RefusedError as error:
            refused = refused or str(error)
    try:
        delivery.end_killed(folder.name, last)
    except RefusedError as error:  # killed before MLflow knew the run
        refused = refused or str(error)
    return refused


def _cannot_write(path: Path, error: OSError) -> BadInputError:
    return BadInputError(f"{path} can't be written ({error.strerror or error}): free some space, and start again.")
