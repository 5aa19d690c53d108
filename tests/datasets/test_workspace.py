"""Where training keeps its checkpoints, and whom it tells about its epochs."""

from pathlib import Path

import pytest
from kedro.io import DatasetError

from mining_the_mines.datasets.workspace import WorkspaceDataset
from mining_the_mines.tracking.run import set_active_run
from support import tracked_runs


def test_without_a_run_nothing_is_tracked(tmp_path: Path) -> None:
    workspace = WorkspaceDataset(filepath=str(tmp_path / "checkpoints"), task="segmentation").load()
    assert workspace.checkpoints == tmp_path / "checkpoints"
    assert workspace.start_logger("fold 0") is None


def test_each_fold_logs_to_a_child_of_the_active_run(tmp_path: Path) -> None:
    workspace = WorkspaceDataset(filepath=str(tmp_path / "checkpoints"), task="segmentation").load()
    run = tracked_runs.begin(tmp_path, tracked_runs.embedded(tmp_path))
    set_active_run(run)
    try:
        logger = workspace.start_logger("fold 3")
    finally:
        set_active_run(None)
    logger.log_hyperparams({"rate": 0.1})
    logger.log_metrics({"training_loss": 0.5}, step=1)
    logger.finalize("success")
    run.end()
    children = tracked_runs.children(tracked_runs.embedded(tmp_path).client(), run.run_id)
    child = children["segmentation, fold 3"]
    assert child.info.status == "FINISHED"
    assert child.data.metrics == {"training_loss": 0.5}
    assert child.data.params == {"rate": "0.1"}
    assert (logger.name, logger.version) == ("segmentation, fold 3", "")


def test_nobody_saves_to_it_but_the_training(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="written by the training"):
        WorkspaceDataset(filepath=str(tmp_path), task="segmentation").save("anything")  # type: ignore[arg-type]
