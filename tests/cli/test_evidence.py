"""``kedro evidence`` in a project."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mining_the_mines.cli.evidence import evidence
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.monitoring import PeriodMapsDataset
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from support.monitored_ground import write_series
from support.projects import copy_project
from support.sites import tiny_sites

SHEET = "data/simulated/08_reporting/evidence/tapajos-0002"


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a series of maps."""
    project = copy_project(tmp_path_factory.mktemp("evidence") / "project")
    maps = project / "data/simulated/07_model_output/monitoring"
    looks = write_series(project, maps=maps)
    PeriodMapsDataset(filepath=str(maps)).save(
        tuple(PeriodResult(look.period, SceneMaps((look.map,), ())) for look in looks)
    )
    table = project / "data/simulated/07_model_output/sites.parquet/2026-01-01T00.00.00.000Z/sites.parquet"
    table.parent.mkdir(parents=True)
    tiny_sites().to_parquet(table)
    return project


@pytest.fixture
def project(series: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(series)
    return series


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(evidence, arguments, catch_exceptions=False)


def test_write_and_verify(project: Path) -> None:
    written = ask("tapajos-0002", "tapajos-0001")
    assert written.stdout.splitlines()[0] == f"tapajos-0002: {project / SHEET}.html and tapajos-0002.zip"
    for suffix in (".html", ".zip"):
        verified = ask("--verify", SHEET + suffix)
        assert (verified.exit_code, "INTACT: site tapajos-0002" in verified.stdout) == (0, True)


def test_changed_sheet(project: Path) -> None:
    ask("tapajos-0002")
    page = project / f"{SHEET}.html"
    page.write_text(page.read_text("utf-8").replace("9.0", "3.0"), encoding="utf-8")
    verified = ask("--verify", f"{SHEET}.html")
    assert verified.exit_code == 1
    assert "changed  tapajos-0002.html" in verified.stdout.splitlines()
    assert "NOT INTACT: site tapajos-0002" in verified.stdout


@pytest.mark.usefixtures("project")
def test_archive_without_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask("tapajos-0002", "--folder", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert ask("--verify", "tapajos-0002.zip", "--enclosed-only").exit_code == 0
    alone = ask("--verify", "tapajos-0002.zip")
    assert alone.exit_code == 1
    assert "missing " in alone.stdout
    assert "leave them out with --enclosed-only" in alone.stdout


@pytest.mark.usefixtures("project")
def test_unknown_site() -> None:
    with pytest.raises(BadInputError, match=r"There is no site tapajos-02: .* such as tapajos-0002"):
        ask("tapajos-02")


@pytest.mark.usefixtures("project")
def test_one_unknown_site_among_others_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="There is no site nowhere"):
        ask("tapajos-0001", "nowhere", "--folder", str(tmp_path / "sheets"))
    assert not (tmp_path / "sheets").exists()


def test_no_series(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy_project(tmp_path / "project"))
    with pytest.raises(
        BadInputError, match="There is no series yet that knows sites: run kedro run --pipelines=monitoring"
    ):
        ask("tapajos-0001")


def test_sites_or_a_file() -> None:
    assert ask().exit_code == 2
    assert ask("tapajos-0001", "--verify", "a.zip").exit_code == 2
