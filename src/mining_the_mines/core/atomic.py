"""Atomic writes: a file or folder appears whole or not at all."""

import glob
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from mining_the_mines.core.errors import UnwritableError

#: Suffix of a folder while a new one takes its place.
_ASIDE: Final = ".old"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file under a temporary name in its folder, then rename it.

    Args:
        path: Destination; missing parents are made, and an existing file is replaced.

    Yields:
        The temporary path. If the block raises, the file is removed.

    Raises:
        UnwritableError: The disk is full, or the folder can't be written to.
    """
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        draft.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with suppress(OSError):  # nothing was written
            draft.unlink()


@contextmanager
def whole_folder(folder: Path, drafts: Path | None = None) -> Iterator[Path]:
    """Write a folder under a temporary name, then rename it.

    Args:
        folder: Destination; an existing folder is replaced, and stays if writing fails.
        drafts: Folder for the temporary one, on the same file system; by default the parent of ``folder``. Call
            :func:`put_back` before you clean it up after a run that was killed.

    Yields:
        An empty folder. If the block raises, it is removed with its files.

    Raises:
        UnwritableError: The disk is full, or the folder can't be written to.
    """
    draft = (drafts or folder.parent) / f".{folder.name}.{uuid.uuid4().hex[:8]}"
    try:
        draft.mkdir(parents=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        _move(draft, folder)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def adopt_folder(draft: Path, folder: Path) -> None:
    """Move a finished folder into its place in one step.

    Args:
        draft: Finished folder on the same file system.
        folder: Destination; a folder that is there already is replaced, and stays if the move fails.

    Raises:
        UnwritableError: The disk is full, or the destination can't be written to.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _move(draft, folder)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def put_back(folder: Path, drafts: Path) -> None:
    """Restore a folder that a process was replacing when it was killed.

    Args:
        folder: The folder.
        drafts: The ``drafts`` of :func:`whole_folder`.
    """
    aside = sorted(drafts.glob(f".{glob.escape(folder.name)}.{'[0-9a-f]' * 8}{_ASIDE}"))
    if aside and not folder.exists():
        aside[0].replace(folder)


def _move(draft: Path, folder: Path) -> None:
    if not folder.exists():
        draft.replace(folder)
        return
    # A folder that is not empty can't be replaced in one step: the old one is renamed first, and back on an error.
    aside = draft.with_name(f"{draft.name}{_ASIDE}")
    folder.replace(aside)
    try:
        draft.replace(folder)
    except OSError:
        aside.replace(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _cannot_write(path: Path, error: OSError) -> UnwritableError:
    return UnwritableError(
        f"{path} can't be written ({error.strerror or error}): free some space, or choose a folder "
        f"that you may write to."
    )
