"""What of a run is done again."""

from pathlib import Path

import pytest
from kedro.framework.startup import bootstrap_project

from mining_the_mines.cli.reproduction import run_again
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.tracking.store import RunStore
from support.projects import copy_project
from support.stored_files import node, run


def test_a_run_that_only_changed_the_registry_is_not_done_again(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    bootstrap_project(project)
    weighed = node("classification.compare_with_champion", [], ["classification.promotion"])
    forward = node("classification.register_model", ["classification.promotion"], ["classification.registered"])
    store = RunStore(f"sqlite:///{project}/data/mlflow/mlflow.db", "mining_the_mines")
    for record in (run(weighed, forward), run(forward), run()):
        with pytest.raises(BadInputError, match="can be done again"):
            run_again(record, project, store, 0)
    assert not list((project / "data").iterdir()), "nothing was begun"
