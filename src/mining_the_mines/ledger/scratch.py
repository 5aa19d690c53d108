"""A project beside the project, where a run is repeated and nothing is overwritten."""

import os
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mining_the_mines.core.hashing import visible_files
from mining_the_mines.ledger.states import link_or_copy, with_sidecars

#: Folder below the project's data.
FOLDER: Final = "reproductions"
#: Files and folders of a project that are only read.
_SHARED: Final = ("pyproject.toml", "requirements.lock", "conf")
#: GDAL keeps statistics and names of bands here.
_STATISTICS: Final = ".aux.xml"


def make_scratch(project: Path, inputs: Iterable[Path]) -> Path:
    """Make a project that shares configuration and raw inputs with another, and has no other data.

    Files are hard-linked, so that they take no room. A path that leads out of the project leads to the same place from
    the new one.

    Args:
        project: Folder of the project.
        inputs: Files and folders that a run reads and does not make; a shapefile brings the files beside it.

    Returns:
        Folder of the new project, below the project's data.
    """
    wanted = {os.path.relpath(file, project) for path in inputs for file in with_sidecars(path)}
    root = project / "data" / FOLDER / uuid.uuid4().hex[:12]
    up = max((Path(path).parts.count("..") for path in wanted), default=0)
    scratch = root.joinpath(*["up"] * up, "project")
    (scratch / "data").mkdir(parents=True)
    (scratch / "src").mkdir()  # Kedro asks for one; the package is already imported
    for name in _SHARED:
        if (project / name).exists():
            (scratch / name).symlink_to((project / name).resolve())
    for path in sorted(wanted):
        _share(Path(os.path.normpath(project / path)), Path(os.path.normpath(scratch / path)), scratch)
    return scratch


def remove_scratch(scratch: Path, project: Path) -> None:
    """Remove such a project with all its files."""
    folder = project / "data" / FOLDER
    shutil.rmtree(folder / scratch.relative_to(folder).parts[0])
    if not any(folder.iterdir()):
        folder.rmdir()


def _share(source: Path, target: Path, scratch: Path) -> None:
    if not source.exists() or target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_relative_to(scratch):  # outside the project, perhaps on another disk; no run writes there
        target.symlink_to(source)
    elif source.is_dir():
        target.mkdir()
        for file in visible_files(source):
            _share(file, target / file.relative_to(source), scratch)
    else:
        link_or_copy(source, target)
        statistics = source.with_name(f"{source.name}{_STATISTICS}")
        _share(statistics, target.with_name(statistics.name), scratch)
