"""What a run is made of: code, data, environment."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from mining_the_mines.provenance.content import NOTHING, ContentHashes
from mining_the_mines.tracking.active import active_run

#: Packages whose versions can change figures.
PACKAGES = ("mining_the_mines", "kedro", "torch", "timm", "scikit-learn", "rasterio", "numpy")


class RunFactsDataset(AbstractDataset[None, dict[str, str]]):
    """Facts of the current run as text, gathered when they are asked for.

    Args:
        project: Folder of the project, whose git state is told.
        metadata: For other tools.
    """

    def __init__(self, *, filepath: str = ".", metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> dict[str, str]:
        """Gather the facts."""
        run = active_run()
        return {
            "Time": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "MLflow run": run.run_id if run is not None else "not tracked",
            "Data hash": run.tags.get("data_hash", "") if run is not None else "",
            **{name.replace("_", " ").capitalize(): value for name, value in git_state(self._filepath).items()},
            "Python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
        }

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: facts are not made up."""
        raise DatasetError("Facts of a run can only be read.")

    def content_hash(self, path: Path, hashes: ContentHashes) -> str:  # noqa: ARG002 - as datasets are asked
        """Of nothing: facts of a run say when and where, not what came of it."""
        return NOTHING

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}


def git_state(project: Path) -> dict[str, str]:
    """Commit of a working tree, and whether it holds changes that no commit has.

    Args:
        project: Any folder.

    Returns:
        ``git_commit`` and ``git_dirty`` (``true`` or ``false``); ``unknown`` outside a git checkout.
    """
    try:
        commit = _git(project, "rev-parse", "HEAD")
        dirty = bool(_git(project, "status", "--porcelain"))
    except (OSError, subprocess.CalledProcessError):  # no git, or no checkout
        return {"git_commit": "unknown", "git_dirty": "unknown"}
    return {"git_commit": commit, "git_dirty": str(dirty).lower()}


def _git(project: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(project), *arguments], capture_output=True, text=True, check=True)  # noqa: S603, S607 - fixed words
    return done.stdout.strip()
