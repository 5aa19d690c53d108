"""Paths as files tell them: inside a project from its own folder, so that the same project elsewhere says the same."""

import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

#: The file that makes a folder a project.
_PROJECT: Final = "pyproject.toml"


def project_of(place: Path) -> Path | None:
    """Find the folder of the project that something lies in.

    Args:
        place: A file or folder, which need not exist yet.

    Returns:
        The nearest folder above it with a ``pyproject.toml``; ``None`` outside a project.
    """
    place = place.absolute()
    return next((folder for folder in (place, *place.parents) if (folder / _PROJECT).is_file()), None)


def tell(path: str | Path, beside: Path) -> str:
    """Say where something lies, as a file tells it.

    Args:
        path: Absolute, or an address or name, which stays as it is.
        beside: The file that tells it, or its folder.

    Returns:
        The path from the project's folder if both lie in the same project, with slashes; else the path as it is.
    """
    project = project_of(beside)
    if project is None or not Path(path).is_absolute():
        return str(path)
    plain = Path(os.path.normpath(path))
    return plain.relative_to(project).as_posix() if plain.is_relative_to(project) else str(path)


def find(told: str, beside: Path) -> str:
    """Turn what :func:`tell` said around.

    Args:
        told: As a file tells it.
        beside: That file, or its folder.

    Returns:
        An absolute path, or the address or name as it is.
    """
    project = project_of(beside)
    if project is None or urlsplit(told).scheme or Path(told).is_absolute():
        return told
    return str(project / told)


def tell_text(text: str, beside: Path) -> str:
    """Shorten paths of the project in a sentence, as :func:`tell` does with one.

    Args:
        text: For people.
        beside: The file that tells it, or its folder.
    """
    project = project_of(beside)
    return text if project is None else text.replace(f"{project}{os.sep}", "")


def link(path: str, folder: Path) -> str:
    """Say where something lies as a link does: from the folder of the file that it stands in.

    Args:
        path: Absolute, or an address, which stays as it is.
        folder: Of the file.

    Returns:
        A relative path with slashes if both lie in the same project; else what was given.
    """
    told = tell(path, folder)
    if told == path:
        return path
    return Path(os.path.relpath(path, folder)).as_posix()
