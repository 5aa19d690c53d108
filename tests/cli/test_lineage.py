"""What `kedro lineage` answers in a project."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mining_the_mines.cli.lineage import lineage
from mining_the_mines.core.errors import BadInputError
from support.projects import copy_project
from support.recorded_runs import tell_mapping


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = copy_project(tmp_path / "project")
    tell_mapping(project)
    monkeypatch.chdir(project)
    return project


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(lineage, arguments, catch_exceptions=False)


def test_a_polygons_origin_is_all_that_has_to_be_typed(project: Path) -> None:
    before = {path: path.read_bytes() for path in (project / "data").rglob("*") if path.is_file()}
    told = ask("scene_maps:3f2a9c81d0b4")
    assert told.exit_code == 0
    assert told.stdout.startswith("scene_maps:3f2a9c81d0b4, the map of tapajos: 2 mines, 3.2 hectares")
    assert "Step by step\nscene_maps:3f2a9c81d0b4" in told.stdout
    # Who asks where something comes from makes nothing, not even a simulated archive whose settings are others now.
    after = {path: path.read_bytes() for path in (project / "data").rglob("*") if path.is_file()}
    after.pop(project / "data/ledger/hashes.json", None)
    assert after == before


def test_machines_get_nothing_but_json(project: Path) -> None:
    told = json.loads(ask("data/08_reporting/report.html", "--json", "--depth", "1").stdout)
    assert told["dataset"].startswith("report:")
    assert {step["dataset"] for step in told["steps"].values()} == {"report", "scene_maps", "folds"}
    assert (project / "data/ledger").is_dir()


@pytest.mark.usefixtures("project")
def test_what_no_record_knows_is_told_in_a_sentence() -> None:
    with pytest.raises(BadInputError, match="No record knows a dataset nonsense"):
        ask("nonsense")


def test_a_lost_record_of_a_node_is_told_from_what_was_handed_over(project: Path) -> None:
    shutil.rmtree(project / "data/ledger/nodes/preprocessing.cut_chips")
    told = ask("folds").stdout
    assert "No record says how raw_chips was made." in told
    assert "handed over" not in told


def test_a_file_that_can_not_be_read_any_more_is_not_what_it_was(project: Path) -> None:
    (project / "data/02_intermediate/composites/composites.json").write_text("{", encoding="utf-8")
    assert "What lies there today is not what it was then: composites:" in ask("composites").stdout


def test_a_map_whose_polygons_were_edited_is_doubted(project: Path) -> None:
    assert "maps/tapajos, changed" not in ask("scene_maps:3f2a9c81d0b4", "--depth", "0").stdout
    (project / "data/07_model_output/maps/tapajos/mines.gpkg").write_bytes(b"other polygons")
    assert "data/07_model_output/maps/tapajos, changed since" in ask("scene_maps:3f2a9c81d0b4", "--depth", "0").stdout
