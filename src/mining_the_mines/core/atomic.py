"""Files and folders that appear whole or not at all."""

import glob
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from mining_the_mines.core.errors import BadInputError

#: What a folder's name ends with while a new one takes its place.
_ASIDE: Final = ".old"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file beside its place, then move it there in one step.

    Args:
        path: Where it is to be; its parents are made, and what is there already is replaced.

    Yields:
        A path on the same file system where nothing is yet. If the block raises, nothing stays of it.

    Raises:
        BadInputError: The disk is full, or the place can't be written to.
    """
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        draft.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with suppress(OSError):  # where nothing could be written, there is nothing to remove
            draft.unlink()


@contextmanager
def whole_folder(folder: Path, drafts: Path | None = None) -> Iterator[Path]:
    """Write a folder beside its place, then move it there in one step.

    Args:
        folder: Where it is to be; what is there already is replaced, and stays if writing fails.
        drafts: Where it is written until it is whole, on the same file system; ``None`` for beside its place. Whoever
            clears up there after a run that was killed calls :func:`put_back` first.

    Yields:
        An empty folder to write to. If the block raises, it is removed with all that is in it.

    Raises:
        BadInputError: The disk is full, or the place can't be written to.
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
        BadInputError: The disk is full, or the destination can't be written to.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _move(draft, folder)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def put_back(folder: Path, drafts: Path) -> None:
    """Put a folder back that a killed process left aside, after it had gone and before the new one came.

    Args:
        folder: Where it was.
        drafts: Where :func:`whole_folder` wrote.
    """
    aside = sorted(drafts.glob(f".{glob.escape(folder.name)}.{'[0-9a-f]' * 8}{_ASIDE}"))
    if aside and not folder.exists():
        aside[0].replace(folder)


def _move(draft: Path, folder: Path) -> None:
    if not folder.exists():
        draft.replace(folder)
        return
    # A folder that is not empty can't be replaced in one step: the old one steps aside, and back if need be.
    aside = draft.with_name(f"{draft.name}{_ASIDE}")
    folder.replace(aside)
    try:
        draft.replace(folder)
    except OSError:
        aside.replace(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _cannot_write(path: Path, error: OSError) -> BadInputError:
    return BadInputError(
        f"{path} can't be written ({error.strerror or error}): free some space, or choose a folder "
        f"that you may write to."
    )
