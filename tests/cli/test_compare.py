"""`kedro compare` says what differs between runs, and whether it is real."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mining_the_mines.cli import cli
from support.projects import PROJECT
from support.scored_runs import Tracked, make_scored_run, without_answers

Type = Callable[..., Result]


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    """A project whose runs are two that agree, a better one, and one that came to nothing."""
    project = tmp_path_factory.mktemp("compared") / "project"
    project.mkdir()
    shutil.copytree(PROJECT / "conf", project / "conf")
    shutil.copy(PROJECT / "pyproject.toml", project)
    (project / "src").mkdir()
    tracked = Tracked(project)
    tracked.add(make_scored_run(), name="first")
    tracked.add(make_scored_run(), name="again")
    tracked.add(make_scored_run(better=0.4, parameters={"epochs": "40"}), name="better")
    tracked.add(without_answers(make_scored_run()), name="unscored")
    return tracked


@pytest.fixture
def compare(tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Types the command in the project's folder."""
    monkeypatch.chdir(tracked.folder)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    return lambda *typed: CliRunner().invoke(cli, ["compare", "--resamples=50", *typed])


def test_better_run(compare: Type) -> None:
    done = compare("first", "better")
    assert done.exit_code == 0
    assert "Parameters that differ" in done.stdout
    assert "epochs" in done.stdout
    assert "the difference is real" in done.stdout
    assert "Classification, on the test chips" in done.stdout
    assert "Classification, out of fold" not in done.stdout
    assert "Classification, out of fold" in compare("first", "better", "--out-of-fold").stdout


def test_json(compare: Type, tracked: Tracked) -> None:
    done = compare("first", "again", "unscored", "--json")
    told = json.loads(done.stdout)
    assert told["runs"] == [tracked.ids[index][:12] for index in (0, 1, 3)]
    agreed, unscored = told["pairs"][0], told["pairs"][-1]
    assert agreed["same"]
    assert "agree to the last digit" in agreed["sentence"]
    assert unscored["verdict"] == "not comparable"
    assert "NaN" not in done.stdout
    assert told["parameters"] == []


@pytest.mark.parametrize("runs", [("first",), ("LAST", "unscored")])
def test_run_with_itself(compare: Type, runs: tuple[str, ...]) -> None:
    done = compare(*runs)
    assert done.exit_code == 1
    assert "kedro compare LAST~1 LAST" in done.stderr


def test_unknown_run(compare: Type) -> None:
    done = compare("first", "nowhere")
    assert done.exit_code == 1
    assert "There is no run nowhere" in done.stderr


def test_credentials_of_a_server(compare: Type, tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "nobody")
    local = tracked.folder / "conf/local"
    local.mkdir(exist_ok=True)
    given = Path(local, "credentials.yml")
    given.write_text("mlflow:\n  MLFLOW_TRACKING_USERNAME: somebody\n", encoding="utf-8")
    assert compare("first", "again").exit_code == 0
    given.unlink()
    assert os.environ["MLFLOW_TRACKING_USERNAME"] == "somebody"
