"""Folders that appear whole or not at all."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mining_the_mines.chips.reading import ChipError


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Write a folder beside its place, then move it there in one step.

    Args:
        folder: Where it is to be; what is there already is replaced, and stays if writing fails.

    Yields:
        An empty folder to write to. If the block raises, it is removed with all that is in it.

    Raises:
        ChipError: If the disk is full or the place can't be written to.
    """
    draft = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    try:
        draft.mkdir(parents=True)
        yield draft
        _move(draft, folder)
    except OSError as error:
        raise ChipError(
            f"{folder} can't be written ({error.strerror or error}): free some space, or choose a folder that may be written to."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _move(draft: Path, folder: Path) -> None:
    if not folder.exists():
        draft.replace(folder)
        return
    # A folder that is not empty can't be replaced in one step: the old one steps aside, and back if need be.
    aside = draft.with_name(f"{draft.name}.old")
    folder.replace(aside)
    try:
        draft.replace(folder)
    except OSError:
        aside.replace(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)
