"""Passwords that a run is given are found nowhere afterwards: not in its data, not in MLflow, not in what it says."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mining_the_mines.simulation import SeriesSettings, write_simulated_series
from support.http_servers import FaultyServer, files
from support.planted_passwords import SECRETS as PLANTED
from support.planted_passwords import files_of, held, plant
from support.projects import copy_project

pytestmark = pytest.mark.end_to_end

SERIES = SeriesSettings(provinces=("tapajos",), pixels=120, mines=2, dates=4, cloudiness=0.1)
#: Where secrets are given, and what they are.
USER, SIGNATURE, NESTED = "Geheim-user", "Geheim-signature", "Geheim-nested"
SECRETS = (USER, SIGNATURE, NESTED, *PLANTED)

#: Runs a pipeline with parameters that no command line could hold, and says what went wrong as the command does.
_RUN = """
import json, sys
from pathlib import Path
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
bootstrap_project(Path.cwd())
with KedroSession.create(Path.cwd(), runtime_params=json.loads(sys.argv[1])) as session:
    session.run(pipeline_names=["acquisition"])
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated archive."""
    folder = tmp_path_factory.mktemp("archive") / "archive"
    write_simulated_series(folder, SERIES)
    return folder


@pytest.fixture(scope="module")
def served(archive: Path) -> Iterator[FaultyServer]:
    """The archive on a web server."""
    with FaultyServer(files(archive)).running() as server:
        yield server


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, archive: Path, served: FaultyServer) -> tuple[Path, list[str]]:
    """A project in which a run has succeeded and another one failed, and what they said."""
    project = copy_project(tmp_path_factory.mktemp("secret") / "project")
    page = {
        "tiles": f"https://tiles.example.org/{{z}}/{{x}}/{{y}}.png?api_key={NESTED}",
        "tiles_attribution": "x",
    }
    (project / "conf" / "local").mkdir(exist_ok=True)
    (project / "conf" / "local" / "parameters.yml").write_text(json.dumps({"map_page": page}), encoding="utf-8")
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("MLFLOW_TRACKING_URI", raising=False)  # runs are tracked in the project
        plant(project, environment)
        said = [_run(project, archive, served)]
        served.fail("/", 403)
        said.append(_run(project, archive, served, fails=True))
    return project, said


def _run(project: Path, archive: Path, served: FaultyServer, *, fails: bool = False) -> str:
    address = served.address.replace("//", f"//somebody:{USER}@")
    parameters = {
        "acquisition": {
            "source": f"{address}/catalog.json?se=2030-01-01&sig={SIGNATURE}",
            "regions": str(archive / "regions.geojson"),
            "retries": 1,
            "back_off": 0,
        },
    }
    code = [sys.executable, "-c", _RUN, json.dumps(parameters)]
    done = subprocess.run(code, cwd=project, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stdout + done.stderr


def test_no_file_of_a_run_holds_a_password(project: tuple[Path, list[str]]) -> None:
    folder, _ = project
    assert {"mlflow.db", "selected_scenes.json"} <= {path.name for path in files_of(folder)}
    assert held(folder, SECRETS) == {}


def test_no_file_of_a_whole_run_with_report_models_and_map_holds_a_password(default_project: Path) -> None:
    written = {path.name for path in files_of(default_project)}
    assert {"mlflow.db", "report.html", "model_card.md", "registration.json", "mlm_item.json", "run.json"} <= written
    assert held(default_project, PLANTED) == {}


@pytest.mark.parametrize("run", [0, 1])
def test_a_run_says_no_password_whether_it_succeeds_or_fails(project: tuple[Path, list[str]], run: int) -> None:
    _, said = project
    plain = "".join(said[run].split())  # tracebacks and tables are wrapped
    assert [secret for secret in SECRETS if secret in plain] == []
