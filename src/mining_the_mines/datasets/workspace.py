"""Where training keeps its checkpoints, with a child run in MLflow for each fold."""

from typing import Any

from kedro.io import DatasetError

from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.learning.workspace import Workspace


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

    def load(self) -> Workspace:
        """Offer the folder, which need not exist yet."""
        return Workspace(self.load_folder, self._start_child_run)

    def _start_child_run(self, fold: str) -> Any:  # noqa: ANN401 - a Lightning logger, or None
        return start_child_run(f"{self.task}, {fold}")

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: the training writes to it."""
        raise DatasetError(f"{self._filepath} is written by the training itself.")

    def _exists(self) -> bool:
        return True


def start_child_run(name: str) -> Any:  # noqa: ANN401 - a Lightning logger, or None
    """Start a child run of the active MLflow run.

    Args:
        name: Its name.

    Returns:
        A Lightning logger that writes to it, or ``None`` if no run is active.
    """
    import mlflow
    from lightning.pytorch.loggers import MLFlowLogger

    parent = mlflow.active_run()
    if parent is None:
        return None
    child = mlflow.MlflowClient().create_run(
        parent.info.experiment_id, run_name=name, tags={"mlflow.parentRunId": parent.info.run_id}
    )
    experiment = mlflow.get_experiment(parent.info.experiment_id)
    return MLFlowLogger(
        experiment_name=experiment.name, tracking_uri=mlflow.get_tracking_uri(), run_id=child.info.run_id
    )
