"""Paths in records: relative to the project, so that a copy of the project elsewhere has the same records."""

import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

#: A folder with this file is a project.
_PROJECT: Final = "pyproject.toml"


def project_of(place: Path) -> Path | None:
    """Find the project that a path lies in.

    Args:
        place: A file or folder; may be missing.

    Returns:
        The nearest folder above it with a ``pyproject.toml``; ``None`` outside a project.
    """
    place = place.absolute()
    return next((folder for folder in (place, *place.parents) if (folder / _PROJECT).is_file()), None)


def tell(path: str | Path, beside: Path) -> str:
    """Make a path relative to its project, for a record.

    Args:
        path: Absolute path; an address or name is returned unchanged.
        beside: The record, or its folder.

    Returns:
        The path from the project's folder, with slashes, if both lie in the same project; else the path without links,
        which is the same wherever the project lies.
    """
    project = project_of(beside)
    if project is None or not Path(path).is_absolute():
        return str(path)
    plain = Path(os.path.normpath(path))
    return plain.relative_to(project).as_posix() if plain.is_relative_to(project) else os.path.realpath(path)


def find(told: str, beside: Path) -> str:
    """Make a path of a record absolute; the inverse of :func:`tell`.

    Args:
        told: Path in the record.
        beside: The record, or its folder.

    Returns:
        An absolute path; an address or name unchanged.
    """
    project = project_of(beside)
    if project is None or urlsplit(told).scheme or Path(told).is_absolute():
        return told
    return str(project / told)


def tell_text(text: str, beside: Path) -> str:
    """Make all paths in a sentence relative to the project; see :func:`tell`.

    Args:
        text: The sentence.
        beside: The record that it is written to, or its folder.
    """
    project = project_of(beside)
    return text if project is None else text.replace(f"{project}{os.sep}", "")


def link(path: str, folder: Path) -> str:
    """Make a path relative to a folder, as a link in a file of that folder.

    Args:
        path: Absolute path; an address is returned unchanged.
        folder: Folder of the file.

    Returns:
        A relative path with slashes if both lie in the same project; else the path as :func:`tell` gives it.
    """
    told = tell(path, folder)
    if told == path or Path(told).is_absolute():
        return told
    return Path(os.path.relpath(path, folder)).as_posix()
