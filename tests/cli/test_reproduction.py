"""Runs that can't be repeated."""

import json
from pathlib import Path

import pytest
from kedro.framework.startup import bootstrap_project

from mining_the_mines.cli.reproduction import find_differences, repeat_run
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.tracking.store import RunStore
from support.projects import copy_project
from support.recorded_runs import node, run, state


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


def test_missing_file_of_a_local_archive(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    band = "data/simulated/01_raw/archive/scene/blue.tif"
    listed = {"items": {"tapajos": [{"assets": {"blue": {"href": band}}}]}}
    path = "data/simulated/01_raw/scenes.json/v1/scenes.json"
    (project / path).parent.mkdir(parents=True)
    (project / path).write_text(json.dumps(listed), encoding="utf-8")
    record = run(node("compositing.make_composites", [state("scenes", path=path)], ["composites"]))
    assert f"file of scenes: {band} then, gone now" in map(str, find_differences(record, project))
