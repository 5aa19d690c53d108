"""Where training keeps its checkpoints, with a child run in MLflow for each fold."""

from typing import Any

from kedro.io import DatasetError

from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.learning.workspace import Workspace


class WorkspaceDataset(FolderDataset[None, Workspace]):
    """A folder for checkpoints; each fold logs its epochs to a child of the active MLflow run, if there is one."""

    def load(self) -> Workspace:
        """Offer the folder, which need not exist yet."""
        return Workspace(self.load_folder, start_child_run)

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: the training writes to it."""
        raise DatasetError(f"{self._filepath} is written by the training itself.")

    def _exists(self) -> bool:
        return True


def start_child_run(fold: str) -> Any:  # noqa: ANN401 - a Lightning logger, or None
    """Start a child run of the active MLflow run.

    Args:
        fold: Its name.

    Returns:
        A Lightning logger that writes to it, or ``None`` if no run is active.
    """
    import mlflow
    from lightning.pytorch.loggers import MLFlowLogger

    parent = mlflow.active_run()
    if parent is None:
        return None
    child = mlflow.MlflowClient().create_run(
        parent.info.experiment_id, run_name=fold, tags={"mlflow.parentRunId": parent.info.run_id}
    )
    experiment = mlflow.get_experiment(parent.info.experiment_id)
    return MLFlowLogger(
        experiment_name=experiment.name, tracking_uri=mlflow.get_tracking_uri(), run_id=child.info.run_id
    )
