"""Facts of the current run: time, code, data and packages."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from mining_the_mines.ledger.code import PACKAGES
from mining_the_mines.ledger.git import read_git_state
from mining_the_mines.tracking.run import active_run


class RunFactsDataset(AbstractDataset[None, dict[str, str]]):
    """Facts of the current run as text, read when they are loaded.

    Args:
        project: Folder of the project, for the state of git.
        metadata: Facts about the dataset, and its layer in Kedro-Viz.
    """

    def __init__(self, *, project: str = ".", metadata: dict[str, Any] | None = None) -> None:
        self._project = Path(project)
        self.metadata = metadata

    def load(self) -> dict[str, str]:
        """Read the facts, by name."""
        run, git = active_run(), read_git_state(self._project)
        return {
            "Time": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "MLflow run": run.run_id if run is not None else "not tracked",
            "Data hash": run.tags.get("data_hash", "") if run is not None else "",
            **{name.replace("_", " ").capitalize(): value for name, value in git.tags.items()},
            "Python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
        }

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Raise: facts of a run can only be read."""
        raise DatasetError("Facts of a run can only be read.")

    def _describe(self) -> dict[str, Any]:
        return {"project": str(self._project)}
