"""Where training keeps its checkpoints, and whom it tells about its epochs."""

from pathlib import Path

import mlflow
import pytest
from kedro.io import DatasetError

from mining_the_mines.datasets.workspace import WorkspaceDataset


def test_without_a_run_nothing_is_tracked(tmp_path: Path) -> None:
    workspace = WorkspaceDataset(filepath=str(tmp_path / "checkpoints"), task="segmentation").load()
    assert workspace.checkpoints == tmp_path / "checkpoints"
    assert workspace.start_logger("fold 0") is None


def test_each_fold_logs_to_a_child_of_the_active_run(tmp_path: Path) -> None:
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.set_experiment("children")
    workspace = WorkspaceDataset(filepath=str(tmp_path / "checkpoints"), task="segmentation").load()
    with mlflow.start_run() as parent:
        logger = workspace.start_logger("fold 3")
        logger.log_metrics({"training_loss": 0.5}, step=1)
        logger.finalize("success")
    client = mlflow.MlflowClient()
    child = client.get_run(logger.run_id)
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.info.run_name == "segmentation, fold 3"
    assert child.data.metrics == {"training_loss": 0.5}


def test_nobody_saves_to_it_but_the_training(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="written by the training"):
        WorkspaceDataset(filepath=str(tmp_path), task="segmentation").save("anything")  # type: ignore[arg-type]
