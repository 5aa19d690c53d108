"""``kedro lineage`` in a project."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mining_the_mines.cli.lineage import lineage
from mining_the_mines.core.errors import BadInputError
from support.projects import copy_project
from support.recorded_runs import record_mapping

ORIGIN = "scene_maps:3f2a9c81d0b4"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = copy_project(tmp_path / "project")
    record_mapping(project)
    monkeypatch.chdir(project)
    return project


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(lineage, arguments, catch_exceptions=False)


def test_origin_of_a_polygon(project: Path) -> None:
    before = {path: path.read_bytes() for path in (project / "data").rglob("*") if path.is_file()}
    answer = ask(ORIGIN)
    assert answer.exit_code == 0
    assert answer.stdout.startswith(f"{ORIGIN}, the map of tapajos: 2 mines, 3.2 hectares")
    assert f"Steps\n{ORIGIN}" in answer.stdout
    # Asking makes nothing, not even a simulated archive whose settings have changed.
    after = {path: path.read_bytes() for path in (project / "data").rglob("*") if path.is_file()}
    after.pop(project / "data/ledger/hashes.json", None)
    assert after == before


@pytest.mark.usefixtures("project")
def test_unknown_dataset() -> None:
    with pytest.raises(BadInputError, match="No record contains a dataset nonsense"):
        ask("nonsense")


def test_damaged_index(project: Path) -> None:
    (project / "data/02_intermediate/composites/composites.json").write_text("{", encoding="utf-8")
    assert "Changed since: composites:" in ask("composites").stdout


def test_edited_polygons(project: Path) -> None:
    place = "data/07_model_output/maps/tapajos"
    assert f"{place}, changed" not in ask(ORIGIN, "--depth", "0").stdout
    (project / place / "mines.gpkg").write_bytes(b"other polygons")
    assert f"{place}, changed since" in ask(ORIGIN, "--depth", "0").stdout
