"""What a run is made of: code, data, environment."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from mining_the_mines.ledger.content import NOTHING, ContentHashes
from mining_the_mines.ledger.environment import PACKAGES
from mining_the_mines.ledger.git import read_git_state
from mining_the_mines.tracking.run import active_run


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
        run, git = active_run(), read_git_state(self._filepath)
        return {
            "Time": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "MLflow run": run.run_id if run is not None else "not tracked",
            "Data hash": run.tags.get("data_hash", "") if run is not None else "",
            **{name.replace("_", " ").capitalize(): value for name, value in git.tags.items()},
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
