"""Where training keeps its checkpoints, with a child run in MLflow for each fold."""

from pathlib import Path
from typing import Any

from kedro.io import DatasetError

from mining_the_mines.core.hashing import NOTHING, ContentHashes
from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.models.workspace import Workspace
from mining_the_mines.tracking.run import active_run


class WorkspaceDataset(FolderDataset[None, Workspace]):
    """A folder for checkpoints; each fold logs its epochs to a child of the active MLflow run, if there is one.

    Args:
        filepath: The folder.
        task: What is trained; the names of the child runs begin with it.
        metadata: For other tools.
    """

    def __init__(self, *, filepath: str, task: str, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(filepath=filepath, metadata=metadata)
        self.task = task
        self.owner, self.goes_on = "", False

    def belong_to(self, owner: str, *, goes_on: bool) -> None:
        """Say whose checkpoints these are.

        Args:
            owner: Tells this training from others with other code, data or parameters.
            goes_on: Whether its checkpoints are gone on from, if it has left some.
        """
        self.owner, self.goes_on = owner, goes_on

    def load(self) -> Workspace:
        """Offer the folder, which need not exist yet."""
        return Workspace(self.load_folder, self._start_child_run, self.owner, self.goes_on)

    def _start_child_run(self, fold: str) -> Any:  # noqa: ANN401 - a Lightning logger, or None
        return start_child_run(f"{self.task}, {fold}")

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: the training writes to it."""
        raise DatasetError(f"{self._filepath} is written by the training itself.")

    def content_hash(self, path: Path, hashes: ContentHashes) -> str:  # noqa: ARG002 - as datasets are asked
        """Of nothing: no result depends on the checkpoints that lie there."""
        return NOTHING

    def _exists(self) -> bool:
        return True


def start_child_run(name: str) -> Any:  # noqa: ANN401 - a Lightning logger, or None
    """Start a child run of the run that this process tells of.

    Args:
        name: Its name.

    Returns:
        A Lightning logger that writes to it, or ``None`` if no run is tracked.
    """
    parent = active_run()
    if parent is None:
        return None
    from mining_the_mines.tracking.epochs import EpochLogger

    return EpochLogger(parent.start_child(name), name)
