"""Nodes of a run that are not repeated."""

from pathlib import Path

import pytest
from kedro.framework.startup import bootstrap_project

from mining_the_mines.cli.reproduction import repeat_run
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.tracking.store import RunStore
from support.projects import copy_project
from support.recorded_runs import node, run


def test_run_that_only_changed_the_registry(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    bootstrap_project(project)
    compared = node("classification.compare_with_champion", [], ["classification.promotion"])
    registered = node("classification.register_model", ["classification.promotion"], ["classification.registered"])
    store = RunStore(f"sqlite:///{project}/data/mlflow/mlflow.db", "mining_the_mines")
    for record in (run(compared, registered), run(registered), run()):
        with pytest.raises(BadInputError, match="can't be repeated"):
            repeat_run(record, project, store, 0)
    assert not list((project / "data").iterdir()), "nothing was begun"
