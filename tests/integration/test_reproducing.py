"""When `kedro reproduce` refuses, and what it says; on the first part of a run."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mining_the_mines.core.errors import SceneError
from mining_the_mines.tracking.runs import find_run
from mining_the_mines.tracking.store import RunStore
from support.projects import SMALL, command, copy_project, run

pytestmark = pytest.mark.end_to_end


SIMULATED = {"simulation": {**SMALL["simulation"], "provinces": ["tapajos"], "pixels": 120, "mines": 2}}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which scenes have been chosen."""
    project = copy_project(tmp_path_factory.mktemp("reproducing") / "project")
    run(project, ["acquisition"], parameters=SIMULATED)
    return project


@pytest.fixture
def other_cloud_cover(project: Path) -> Iterator[None]:
    """A configuration that was changed since, for as long as a test takes."""
    file = project / "conf/base/parameters_acquisition.yml"
    before = file.read_text(encoding="utf-8")
    file.write_text(before.replace("  source: simulation\n", "  source: simulation\n  max_cloud_cover: 60\n"))
    yield
    file.write_text(before, encoding="utf-8")


@pytest.fixture
def other_catalog(project: Path) -> Iterator[None]:
    """A catalog in which one file has another place, and all others are drawn differently, for as long as a test."""
    file = project / "conf/base/catalog_01_raw.yml"
    before = file.read_text(encoding="utf-8")
    moved = before.replace("/01_raw/left_out_scenes.csv", "/01_raw/unused_scenes.csv")
    file.write_text(moved.replace("layer: 01_raw", "layer: raw"), encoding="utf-8")
    yield
    file.write_text(before, encoding="utf-8")


def store(project: Path) -> RunStore:
    return RunStore(f"sqlite:///{project}/data/mlflow/mlflow.db", "mining_the_mines")


def test_other_parameter(project: Path, other_cloud_cover: None) -> None:  # noqa: ARG001
    refused = command(project, "reproduce", "LAST")
    assert refused.exit_code == 1
    assert "parameter acquisition.max_cloud_cover: 70.0 then, 60.0 now" in refused.output
    assert "--force" in refused.output


def test_other_catalog_entry(project: Path, other_catalog: None) -> None:  # noqa: ARG001
    refused = command(project, "reproduce", "LAST")
    assert refused.exit_code == 1
    assert "  - catalog: left_out_scenes: " in refused.output
    assert refused.output.count("  - ") == 1


def test_force(project: Path, other_cloud_cover: None) -> None:  # noqa: ARG001
    command(project, "reproduce", "LAST", "--force")
    noted = find_run("LAST", store(project)).tags["reproduced_in_spite_of"]
    assert "max_cloud_cover" in noted


def test_moved_project(project: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(project, tmp_path / "moved"))
    hidden = project.with_name("hidden")
    project.rename(hidden)
    try:
        done = command(moved, "reproduce", "LAST")
    finally:
        shutil.rmtree(project, ignore_errors=True)  # MLflow makes folders anew where its store says that they are
        hidden.rename(project)
    assert done.exit_code == 0, done.output
    assert "EQUAL" in done.output
    assert not (moved / "data/reproductions").exists()


def test_failed_run(project: Path) -> None:
    with pytest.raises(SceneError):
        run(project, ["acquisition"], parameters={**SIMULATED, "acquisition": {"minimum_dates": 99}})
    client = MlflowClient(store(project).address)
    [experiment] = [found.experiment_id for found in client.search_experiments() if found.name == "mining_the_mines"]
    [failed] = client.search_runs([experiment], "attributes.status = 'FAILED'")
    refused = command(project, "reproduce", failed.info.run_id)
    assert refused.exit_code == 1
    assert "is failed: only finished runs can be compared" in refused.output
    assert not (project / "data/reproductions").exists()


def test_changed_file_of_a_parameter(project: Path) -> None:
    shutil.copytree(project / "data/simulated/01_raw/archive", project / "archive")
    regions = project / "archive/regions.geojson"
    named = {"source": "archive/catalog.json", "regions": "archive/regions.geojson"}
    run(project, ["acquisition"], parameters={"acquisition": named})
    done = command(project, "reproduce", "LAST")
    assert done.exit_code == 0, done.output
    regions.write_text(regions.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    refused = command(project, "reproduce", "LAST")
    assert refused.exit_code == 1
    assert "data: archive/regions.geojson: " in refused.output
    assert "parameter" not in refused.output.partition("\n")[2].partition("Restore")[0]
