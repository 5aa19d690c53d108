"""A run's journal on disk: what it has to tell its tracking server, until that has it.

A line is written in one call before anything is sent, so that a process that is killed loses nothing: what it has
written belongs to the system. What has been sent is known by the place in the file.
"""

import fcntl
import os
import shutil
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.tracking.entries import Entry, read_entry

_DESTINATION: Final = "destination.json"
_ENTRIES: Final = "journal.jsonl"
_SENT: Final = "sent.json"
_REFUSED: Final = "refused.jsonl"
_FILES: Final = "files"


class Destination(BaseModel):
    """Which run of which server a journal is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(description="Of the tracking server or store, without user and password.")
    experiment_id: str = Field(description="MLflow's experiment.")
    run_id: str = Field(description="MLflow's run.")
    name: str = Field(description="The run's name.")


class Sent(BaseModel):
    """How far sending has come."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: int = Field(0, ge=0, description="Bytes of the journal that the server has.")
    children: dict[str, str] = Field(default_factory=dict, description="Ids of child runs by their keys.")


class _Refused(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    why: str = Field(description="What the server said.")
    entry: Entry = Field(description="What it will not take.")


@dataclass(frozen=True)
class Pending:
    """An entry that waits to be sent.

    Attributes:
        entry: The entry.
        place: Bytes of the journal up to its end.
    """

    entry: Entry
    place: int


@dataclass
class Journal:
    """A folder with a run's entries and copies of its artifacts; one process at a time has it.

    Make one by :func:`create` or :func:`take_over`.
    """

    folder: Path
    destination: Destination
    sent: Sent
    _lock: IO[bytes]
    _file: int
    _count: int = 0
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def append(self, entry: Entry) -> None:
        """Write an entry down.

        Args:
            entry: What is to be sent.

        Raises:
            BadInputError: The disk is full.
        """
        line = entry.model_dump_json().encode() + b"\n"
        with self._writing:
            before = os.fstat(self._file).st_size
            try:
                if os.write(self._file, line) < len(line):
                    raise OSError("No space left on device")
            except OSError as error:
                os.ftruncate(self._file, before)
                raise BadInputError(
                    f"{self.folder / _ENTRIES} can't be written ({error}): free some space, and start again."
                ) from error

    def keep(self, path: Path) -> str:
        """Copy a file or folder to beside the journal, since it may change before it is sent.

        Args:
            path: What to copy.

        Returns:
            Where the copy lies, relative to the journal's folder.
        """
        place = self.new_place(path.name)
        if path.is_dir():
            shutil.copytree(path, place)
        else:
            shutil.copyfile(path, place)
        return str(place.relative_to(self.folder))

    def new_place(self, name: str) -> Path:
        """A place for a file of that name that is in nobody's way."""
        with self._writing:
            self._count += 1
            place = self.folder / _FILES / str(self._count)
        place.mkdir(parents=True, exist_ok=True)
        return place / name

    def pending(self, most: int) -> list[Pending]:
        """The entries that are to be sent next.

        Args:
            most: How many at most.

        Returns:
            Them, in their order.
        """
        found: list[Pending] = []
        with (self.folder / _ENTRIES).open("rb") as file:
            file.seek(self.sent.place)
            while len(found) < most and (line := file.readline()).endswith(b"\n"):
                found.append(Pending(read_entry(line), file.tell()))
        return found

    def all_entries(self) -> list[Entry]:
        """Every entry, also those that have been sent."""
        lines = (self.folder / _ENTRIES).read_bytes().splitlines(keepends=True)
        return [read_entry(line) for line in lines if line.endswith(b"\n")]

    def last_written(self) -> int:
        """When the last entry was written, in milliseconds since 1970."""
        return os.fstat(self._file).st_mtime_ns // 1_000_000

    def note_sent(self, place: int) -> None:
        """Remember that the server has all up to a place.

        Args:
            place: As :attr:`Pending.place` tells.
        """
        self._remember(self.sent.model_copy(update={"place": place}))

    def note_child(self, key: str, run_id: str) -> None:
        """Remember by which id the server knows a child run."""
        self._remember(self.sent.model_copy(update={"children": {**self.sent.children, key: run_id}}))

    def note_refused(self, entry: Entry, why: str) -> None:
        """Keep an entry aside that the server will never take."""
        with (self.folder / _REFUSED).open("a", encoding="utf-8") as file:
            file.write(_Refused(why=why, entry=entry).model_dump_json() + "\n")

    def refusals(self) -> list[str]:
        """Why the server refused entries, one sentence each."""
        path = self.folder / _REFUSED
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").splitlines()
        return [_Refused.model_validate_json(line).why for line in lines]

    def forget(self, copy_at: str) -> None:
        """Remove a copy that the server has."""
        shutil.rmtree((self.folder / copy_at).parent, ignore_errors=True)

    def close(self) -> None:
        """Let others have it."""
        os.close(self._file)
        self._lock.close()

    def remove(self) -> None:
        """Remove it from the disk: all of it has been sent."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.close()

    def _remember(self, sent: Sent) -> None:
        with whole_file(self.folder / _SENT) as draft:
            draft.write_text(sent.model_dump_json(), encoding="utf-8")
        self.sent = sent


def create(folder: Path, destination: Destination) -> Journal:
    """Begin a journal.

    Args:
        folder: Where; made if need be. A run that is gone on with finds the journal that it left.
        destination: Where its entries go.

    Returns:
        The journal, which nobody else can have meanwhile.

    Raises:
        BadInputError: The place can't be written to, or another process tells of the same run.
    """
    with whole_file(folder / _DESTINATION) as draft:
        draft.write_text(destination.model_dump_json(indent=2), encoding="utf-8")
    journal = take_over(folder)
    if journal is None:
        raise BadInputError(f"{folder} is in use by another process: wait until that has ended.")
    return journal


def take_over(folder: Path) -> Journal | None:
    """Open the journal that a run left behind.

    Args:
        folder: Where it is.

    Returns:
        The journal; ``None`` if its process is still at it, or it is gone by now.

    Raises:
        OSError: It may not be read or written, such as one of another user.
        ValueError: It is not as this version of the package writes it.
    """
    with ExitStack() as undo:
        try:
            lock = undo.enter_context((folder / "lock").open("wb"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (FileNotFoundError, BlockingIOError):
            return None
        if not (folder / _DESTINATION).exists():
            return None
        destination = Destination.model_validate_json((folder / _DESTINATION).read_text(encoding="utf-8"))
        note = folder / _SENT
        sent = Sent.model_validate_json(note.read_text(encoding="utf-8")) if note.exists() else Sent()
        file = os.open(folder / _ENTRIES, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        undo.callback(os.close, file)
        _end_at_a_line(folder / _ENTRIES, file)
        journal = Journal(folder, destination, sent, lock, file, _last_copy(folder / _FILES))
        undo.pop_all()
    return journal


def _last_copy(files: Path) -> int:
    """The number of the last copy; what a system or a person put beside them counts for nothing."""
    return max((int(path.name) for path in files.glob("*") if path.name.isdecimal()), default=0)


def _end_at_a_line(path: Path, file: int) -> None:
    """Cut off what a process that was killed had not written to its end."""
    whole, newline, torn = path.read_bytes().rpartition(b"\n")
    if torn:
        os.ftruncate(file, len(whole) + len(newline))
