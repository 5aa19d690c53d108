"""A team's server, for real: MLflow with PostgreSQL, killed and started again; runs lose nothing."""

import os
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mining_the_mines.cli.send_unsent import send_unsent
from support import postgresql, tracking_server
from support import tracked_runs as telling
from support.http_servers import FaultyServer, passed_on
from support.projects import copy_project, kedro
from support.tracking_server import TrackingServer

pytestmark = pytest.mark.end_to_end

if postgresql.programs() is None:
    if os.environ.get("CI") == "true":
        raise RuntimeError("Continuous integration needs PostgreSQL: apt-get install postgresql")
    pytest.skip("PostgreSQL is not installed", allow_module_level=True)

EPOCHS = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with tracking_server.running(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def line(server: TrackingServer) -> Iterator[FaultyServer]:
    """The server as seen through a line that can be disturbed."""
    with FaultyServer(passed_on(postgresql.HOST, server.port)).running() as running:
        yield running


def told(client: MlflowClient, run_id: str) -> dict[str, list[float]]:
    """All losses of a run's folds, in the order in which the server lists them."""
    return {
        name: [each.value for each in client.get_metric_history(run.info.run_id, "loss")]
        for name, run in telling.children(client, run_id).items()
    }


def test_two_runs_at_once_lose_nothing_when_the_server_is_killed_and_started_again(
    server: TrackingServer, tmp_path: Path
) -> None:
    runs = [telling.begin_training(tmp_path / name, server.address, EPOCHS, 0.1) for name in ("one", "two")]
    ids = [run.stdout.readline().strip() for run in runs if run.stdout is not None]
    time.sleep(2)  # in the middle of the first fold
    server.kill()
    time.sleep(1)
    server.start()
    slowest = [float(run.communicate(timeout=120)[0].split()[-1]) for run in runs]
    losses = [1 / (1 + epoch) for epoch in range(EPOCHS)]
    for run_id in ids:
        run = server.client.get_run(run_id)
        assert run.info.status == "FINISHED"
        assert (run.data.params, run.data.metrics) == ({"epochs": str(EPOCHS)}, {"f1": 0.5})
        assert told(server.client, run_id) == {"fold 0": losses, "fold 1": losses}
        assert len(server.client.list_artifacts(run_id, "epochs")) == 2 * EPOCHS
        assert {child.info.status for child in telling.children(server.client, run_id).values()} == {"FINISHED"}
    assert not list(tmp_path.glob("*/unsent/*"))
    assert max(slowest) < 0.5, "an epoch waited for the server"


def test_a_run_whose_server_dies_ends_well_and_what_it_had_to_tell_is_sent_later(
    line: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = copy_project(tmp_path / "project")
    address = line.address.replace("//", "//somebody:hunter2@")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    line.fail("/mlflow-artifacts/", "drop")  # it dies when the first file is sent
    small = "provinces=[tapajos] pixels=192 mines=4 dates=4".replace(" ", ",simulation.")
    parameters = f"--params=tracking.patience_seconds=1,simulation.{small}"
    done = kedro(project, "run", "--pipelines=acquisition", parameters)
    assert done.returncode == 0, done.stderr
    (left,) = (project / "data/mlflow/unsent").iterdir()
    said = "".join(done.stdout.split())
    assert str(left) in said
    assert said.count("send-unsent") == 1
    client = MlflowClient(line.address)
    assert client.get_run(left.name).info.status == "RUNNING"
    assert line.asked[0].headers["Authorization"] == f"Basic {b64encode(b'somebody:hunter2').decode()}"

    line.faults.clear()
    monkeypatch.chdir(project)
    assert send_unsent.callback is not None
    send_unsent.callback(env=None)
    assert "sent to" in capsys.readouterr().out
    run = client.get_run(left.name)
    assert run.info.status == "FINISHED"
    assert run.info.artifact_uri.startswith("mlflow-artifacts:/")
    assert "scenes.json" in {item.path for item in client.list_artifacts(left.name)}
    assert not left.exists()
    files = [path for path in project.rglob("*") if path.is_file()]
    assert not [path for path in files if b"hunter2" in path.read_bytes()]
    assert "hunter2" not in f"{run.data.tags} {run.data.params} {done.stdout} {done.stderr}"


@pytest.mark.parametrize("what", ["runs/create", "runs/log-batch", "runs/update", "mlflow-artifacts/artifacts"])
def test_what_the_server_took_but_could_not_confirm_is_there_once(
    line: FaultyServer, tmp_path: Path, what: str
) -> None:
    tracker = telling.tracker(tmp_path, line.address)
    run = tracker.start("training")
    line.fail(what, "cut", times=1)
    child = run.start_child("fold 0")
    for epoch in range(3):
        child.log_metrics({"loss": float(epoch)}, step=epoch)
    child.log_text("all of it", "notes/why.txt")
    child.end()
    run.end()
    run.close()
    client = MlflowClient(line.address)
    assert told(client, run.run_id) == {"fold 0": [0.0, 1.0, 2.0]}
    assert telling.children(client, run.run_id)["fold 0"].info.status == "FINISHED"
