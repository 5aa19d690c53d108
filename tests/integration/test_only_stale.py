"""What `kedro run --only-stale` runs, and what it leaves as it is."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyogrio
import pytest

from mining_the_mines.pipeline_registry import register_pipelines
from support.projects import SMALL, describes, newest, nodes_of_last_run, run

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def project(default_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a project in which everything has run."""
    return Path(shutil.copytree(default_project, tmp_path_factory.mktemp("stale") / "project"))


def ran(project: Path, parameters: Mapping[str, Any] = SMALL, pipelines: Sequence[str] = ("__default__",)) -> set[str]:
    """Names of the nodes that run when only stale ones do."""
    run(project, pipelines, parameters=parameters, only_stale=True)
    return nodes_of_last_run()


def test_unchanged(project: Path) -> None:
    assert ran(project) == set()


def test_record_of_an_up_to_date_run(project: Path) -> None:
    record = json.loads(max((project / "data/simulated/ledger/runs").glob("*.json"), key=_changed).read_text())
    every = {node.name for node in register_pipelines()["__default__"].nodes}
    assert {node["node"] for node in record["nodes"]} == every


def test_other_title_of_the_report_and_other_workers(project: Path) -> None:
    other = {"reporting": {**SMALL["reporting"], "title": "Anything"}, "dask": {"workers": 1}}
    again = ran(project, {**SMALL, **other})
    assert "reporting.write_report" in again
    assert {name for name in again if not describes(name)} == set()
    assert "<title>Anything" in newest(project, "report.html").read_text(encoding="utf-8")


def test_going_back(project: Path) -> None:
    assert ran(project) == set()


def test_edited_output(project: Path) -> None:
    whole = newest(project, "folds.csv").read_bytes()
    for version in project.glob("data/simulated/*/folds.csv/*/folds.csv"):  # an older one that is whole would do
        version.write_bytes(version.read_bytes()[:-5])
    assert ran(project) == {"preprocessing.assign_folds"}
    assert newest(project, "folds.csv").read_bytes() == whole


def test_changed_label(project: Path) -> None:
    polygons = project / "data/simulated/01_raw/archive/mines.gpkg"
    layer = str(pyogrio.list_layers(polygons)[0][0])
    pyogrio.write_dataframe(pyogrio.read_dataframe(polygons, layer=layer).iloc[1:], polygons, layer=layer)
    composite = project / "data/simulated/02_intermediate/composites/tapajos.tif"
    before = composite.stat().st_mtime_ns
    again = ran(project, pipelines=["acquisition", "compositing", "preprocessing"])
    assert {"compositing.cut_chips", "preprocessing.judge_chips", "segmentation.draw_masks"} <= again
    assert not {name for name in again if name.startswith("acquisition.") and name != "acquisition.check_polygons"}
    assert composite.stat().st_mtime_ns == before


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns
