"""A project beside the project, where a run is done again and nothing is overwritten."""

import os
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mining_the_mines.core.hashing import visible_files
from mining_the_mines.ledger.states import with_sidecars

#: Where it lies below the folder of data.
FOLDER: Final = "reproductions"
#: What of a project is read, never written.
_READ: Final = ("pyproject.toml", "requirements.lock", "conf")
#: What GDAL knows of a raster beside it.
_STATISTICS: Final = ".aux.xml"


def make_scratch(project: Path, inputs: Iterable[Path]) -> Path:
    """Lay out a project that shares code, configuration and raw inputs with another, and has nothing else.

    Files are linked, so that this takes no room; paths that lead out of the project lead to the same places from there.

    Args:
        project: Folder of the project.
        inputs: Files and folders that a run reads and doesn't make; each may stand for several, as a shapefile does.

    Returns:
        Folder of the new project, below the project's data.
    """
    wanted = {os.path.relpath(file, project) for path in inputs for file in with_sidecars(path)}
    root = project / "data" / FOLDER / uuid.uuid4().hex[:12]
    up = max((Path(path).parts.count("..") for path in wanted), default=0)
    scratch = root.joinpath(*["up"] * up, "project")
    (scratch / "data").mkdir(parents=True)
    (scratch / "src").mkdir()  # Kedro wants one; the package is imported already
    for name in _READ:
        if (project / name).exists():
            (scratch / name).symlink_to((project / name).resolve())
    for path in sorted(wanted):
        _share(Path(os.path.normpath(project / path)), Path(os.path.normpath(scratch / path)), scratch)
    return scratch


def remove_scratch(scratch: Path, project: Path) -> None:
    """Remove such a project with all that was made in it."""
    folder = project / "data" / FOLDER
    shutil.rmtree(folder / scratch.relative_to(folder).parts[0])
    if not any(folder.iterdir()):
        folder.rmdir()


def _share(source: Path, target: Path, scratch: Path) -> None:
    """Let a file or folder appear at another place too; what is replaced there stays as it is here."""
    if not source.exists() or target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_relative_to(scratch):  # of another disk, perhaps, and no run writes there
        target.symlink_to(source)
    elif source.is_dir():
        target.mkdir()
        for file in visible_files(source):
            _share(file, target / file.relative_to(source), scratch)
    else:
        _link(source, target)
        statistics = source.with_name(f"{source.name}{_STATISTICS}")  # they may say what bands are called
        _share(statistics, target.with_name(statistics.name), scratch)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(os.path.realpath(source), target)  # of a link, what it leads to: it may be relative
    except OSError:  # another disk, or one without links
        shutil.copy2(source, target)
