"""The file of answers: one JSON object a line, appended and synced, never rewritten.

A plain file and not SQLite: its bytes are its content, so that the ledger hashes it as any input; every earlier state
is a prefix of it; a person can read, mail and merge it. SQLite in WAL mode keeps its newest rows in a second file.

An answer is on the disk when :meth:`AnswerLog.append` returns. Processes take turns by a lock on the file. A line that
a killed process left half written ends without a line break; the next writer removes it, and readers pass over it.
"""

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from pydantic import ValidationError

from mining_the_mines.core.errors import BadInputError, UnwritableError
from mining_the_mines.review.answer_table import Entry, LogLine


class AnswerLog:
    """Answers in a file.

    Args:
        path: The file; made by the first answer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._read: list[Entry] = []
        self._known = b""

    def append(self, entries: Sequence[Entry]) -> None:
        """Write entries, all or none, and wait until they are on the disk.

        Raises:
            UnwritableError: The disk is full, or the file can't be written to; it is as it was before.
        """
        lines = b"".join(entry.model_dump_json().encode() + b"\n" for entry in entries)
        try:
            with self._lock:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                written = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
                try:
                    fcntl.flock(written, fcntl.LOCK_EX)
                    _add(written, lines)
                finally:
                    os.close(written)
                _sync_folder(self.path.parent)
        except OSError as error:
            raise UnwritableError(
                f"{self.path} can't be written ({error.strerror or error}): free some space, or make the folder "
                "writable; the answer was not stored."
            ) from error

    def entries(self) -> list[Entry]:
        """Read all entries, those of other processes too.

        Raises:
            BadInputError: The file can't be read, or a line is none of ours.
        """
        with self._lock:
            try:
                content = self.path.read_bytes() if self.path.exists() else b""
            except OSError as error:
                told = error.strerror or error
                raise BadInputError(f"{self.path} can't be read ({told}): check its permissions.") from error
            whole = content[: content.rfind(b"\n") + 1]
            if not whole.startswith(self._known):  # another file took its place
                self._known, self._read = b"", []
            added = whole[len(self._known) :].splitlines()
            self._read += [self._parse(line, len(self._read) + at) for at, line in enumerate(added, start=1)]
            self._known = whole
            return list(self._read)

    def _parse(self, line: bytes, number: int) -> Entry:
        try:
            return LogLine.model_validate_json(line).root
        except ValidationError as error:
            told = error.errors(include_url=False, include_input=False)[0]["msg"]
            raise BadInputError(
                f"Line {number} of {self.path} is no answer ({told}): restore the file from a backup, or remove "
                "the line."
            ) from error


def _add(written: int, lines: bytes) -> None:
    """Append to an open and locked file; on an error it ends where it did."""
    end = _end_of_last_line(written)
    os.ftruncate(written, end)
    try:
        left = lines
        while left:
            left = left[os.pwrite(written, left, end + len(lines) - len(left)) :]
        os.fsync(written)
    except OSError:
        os.ftruncate(written, end)
        raise


def _end_of_last_line(opened: int) -> int:
    end = os.fstat(opened).st_size
    while end:
        start = max(0, end - 4096)
        found = os.pread(opened, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file last."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
