"""A project beside the project, where a run is done again and nothing is overwritten."""

import glob
import os
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mining_the_mines.provenance.records import DatasetState

#: Where it lies below the folder of data.
FOLDER: Final = "reproductions"
#: What of a project is read, never written.
_READ: Final = ("pyproject.toml", "requirements.lock", "conf")


def make_scratch(project: Path, inputs: Iterable[DatasetState]) -> Path:
    """Lay out a project that shares code, configuration and raw inputs with another, and has nothing else.

    Files are linked, so that this takes no room; paths that lead out of the project lead to the same places from there.

    Args:
        project: Folder of the project.
        inputs: What a run reads and doesn't make.

    Returns:
        Folder of the new project, below the project's data.
    """
    wanted = [state.path for state in inputs if state.path is not None and not Path(state.path).is_absolute()]
    root = project / "data" / FOLDER / uuid.uuid4().hex[:12]
    up = max((Path(path).parts.count("..") for path in wanted), default=0)
    scratch = root.joinpath(*["up"] * up, "project")
    (scratch / "data").mkdir(parents=True)
    (scratch / "src").mkdir()  # Kedro wants one; the package is imported already
    for name in _READ:
        if (project / name).exists():
            (scratch / name).symlink_to((project / name).resolve())
    for path in (beside for named in wanted for beside in _sidecars(project, named)):
        _share(project / path, Path(os.path.normpath(scratch / path)))
    return scratch


def remove_scratch(scratch: Path, project: Path) -> None:
    """Remove such a project with all that was made in it."""
    folder = project / "data" / FOLDER
    shutil.rmtree(folder / scratch.relative_to(folder).parts[0])
    if not any(folder.iterdir()):
        folder.rmdir()


def _sidecars(project: Path, path: str) -> list[str]:
    """A file, and those of the same name beside it, which it may be nothing without, as a shapefile is."""
    place = project / path
    if not place.is_file():
        return [path]
    return [str(Path(path).with_name(file.name)) for file in place.parent.glob(f"{glob.escape(place.stem)}.*")]


def _share(source: Path, target: Path) -> None:
    """Let a file or folder appear at another place too; changes of its entries there don't reach it."""
    if not source.exists() or target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link)
    else:
        _link(source, target)


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copy2(source, target)
