"""A team's server, for real: MLflow with PostgreSQL, killed and started again; runs lose nothing."""

import os
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mining_the_mines.tracking.store import RunStore
from mining_the_mines.tracking.unsent import send_unsent
from support import postgresql, tracked_runs, tracking_server
from support.http_servers import FaultyServer, passed_on
from support.projects import copy_project, kedro
from support.tracking_server import TrackingServer

pytestmark = pytest.mark.end_to_end

if postgresql.programs() is None:
    if os.environ.get("CI") == "true":
        raise RuntimeError("Continuous integration needs PostgreSQL: apt-get install postgresql")
    pytest.skip("PostgreSQL is not installed", allow_module_level=True)

EPOCHS = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with tracking_server.running(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def line(server: TrackingServer) -> Iterator[FaultyServer]:
    """The server as seen through a line that can be disturbed."""
    with FaultyServer(passed_on(postgresql.HOST, server.port)).running() as running:
        yield running


def test_killed_server_loses_nothing(server: TrackingServer, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    runs = [tracked_runs.begin_training(folder, server.address, EPOCHS, 0.2) for folder in folders]
    keys = [run.stdout.readline().strip() for run in runs if run.stdout is not None]
    time.sleep(2)  # in the middle of the first fold
    server.kill()
    assert [run.wait(timeout=120) for run in runs] == [0, 0]
    assert len(list(tmp_path.glob("*/unsent/*/entries.jsonl"))) == 2
    server.start()
    store = RunStore(server.address, tracked_runs.EXPERIMENT)
    assert [each.outcome for folder in folders for each in send_unsent(folder / "unsent", store)] == ["sent", "sent"]
    expected = [1 / (1 + epoch) for epoch in range(EPOCHS)]
    for key in keys:
        run = tracked_runs.of_key(server.client, key)
        assert run.info.status == "FINISHED"
        assert (run.data.params, run.data.metrics) == ({"epochs": str(EPOCHS)}, {"f1": 0.5})
        assert tracked_runs.losses(server.client, run.info.run_id) == {"fold 0": expected, "fold 1": expected}
        assert len(server.client.list_artifacts(run.info.run_id, "epochs")) == 2 * EPOCHS
        folds = tracked_runs.children(server.client, run.info.run_id).values()
        assert {fold.info.status for fold in folds} == {"FINISHED"}
    assert not list(tmp_path.glob("*/unsent/*"))


def test_pipeline_whose_server_dies(line: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = copy_project(tmp_path / "project")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", line.address.replace("//", "//somebody:hunter2@"))
    line.fail("/mlflow-artifacts/", "drop")  # it dies when the first file is sent
    small = "provinces=[tapajos] pixels=192 mines=4 dates=4".replace(" ", ",simulation.")
    done = kedro(project, "run", "--pipelines=acquisition", f"--params=simulation.{small}")
    assert done.returncode == 0, done.stderr
    (left,) = project.glob("data/**/unsent_runs/*")
    said = "".join(done.stdout.split())
    assert str(left) in said
    assert said.count("send-unsent") == 1
    assert line.asked[0].headers["Authorization"] == f"Basic {b64encode(b'somebody:hunter2').decode()}"
    client = MlflowClient(line.address)
    assert tracked_runs.of_key(client, left.name).info.status == "RUNNING"

    line.faults.clear()
    sent = kedro(project, "send-unsent")
    assert "sent to" in sent.stdout, sent.stderr
    run = tracked_runs.of_key(client, left.name)
    assert run.info.status == "FINISHED"
    assert str(run.info.artifact_uri).startswith("mlflow-artifacts:/")
    assert "provenance" in {item.path for item in client.list_artifacts(run.info.run_id)}
    assert not left.exists()
    files = [path for path in project.rglob("*") if path.is_file()]
    assert not [path for path in files if b"hunter2" in path.read_bytes()]
    assert "hunter2" not in f"{run.data.tags} {run.data.params} {done.stdout} {done.stderr}"


@pytest.mark.parametrize("request_", ["runs/create", "runs/log-batch", "runs/update", "mlflow-artifacts/artifacts"])
def test_a_lost_answer_doubles_nothing(line: FaultyServer, tmp_path: Path, request_: str) -> None:
    run = tracked_runs.begin(tmp_path, RunStore(line.address, tracked_runs.EXPERIMENT))
    line.fail(request_, "cut", times=1)
    child = run.start_child("fold 0")
    for epoch in range(3):
        child.log_metrics({"loss": float(epoch)}, step=epoch)
    run.log_text("all of it", "notes/why.txt")
    child.end()
    run.end()
    client = MlflowClient(line.address)
    assert tracked_runs.losses(client, run.run_id) == {"fold 0": [0.0, 1.0, 2.0]}
    assert tracked_runs.children(client, run.run_id)["fold 0"].info.status == "FINISHED"
    assert [item.path for item in client.list_artifacts(run.run_id, "notes")] == ["notes/why.txt"]
