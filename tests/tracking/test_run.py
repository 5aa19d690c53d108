"""A run that is tracked, and MLflow's copy of it."""

import logging
import math
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

from mining_the_mines.tracking.store import RunStore, TrackingError
from support import tracked_runs
from support.http_servers import FaultyServer, files

NOWHERE = "http://me:hunter2@127.0.0.1:9"


@pytest.fixture
def client(store: RunStore) -> MlflowClient:
    return store.client()


def test_all_is_logged(client: MlflowClient, store: RunStore, tmp_path: Path) -> None:
    scores = tmp_path / "scores.csv"
    scores.write_text("f1\n0.5\n", encoding="utf-8")
    run = tracked_runs.begin(tmp_path, store)
    run.set_tags({"data_hash": "abc", "git_dirty": False})
    run.log_params({f"parameter {number}": number for number in range(250)})
    run.log_metrics({f"metric {number}": number / 3 for number in range(1700)} | {"loss": math.inf})
    run.log_artifact(scores)
    run.log_artifact(scores, "tables")
    run.log_text("{}\n", "provenance/run.json")
    assert run.tags["data_hash"] == "abc"
    run.end()
    known = client.get_run(run.run_id)
    assert (known.info.run_name, known.info.status) == ("training", "FINISHED")
    assert known.data.tags["git_dirty"] == "False"
    assert known.data.params["parameter 249"] == "249"
    assert known.data.metrics["metric 1699"] == 1699 / 3
    assert (len(known.data.params), len(known.data.metrics)) == (250, 1701)
    assert {item.path for item in client.list_artifacts(run.run_id)} == {"scores.csv", "tables", "provenance"}
    text = download_artifacts(run_id=run.run_id, artifact_path="provenance/run.json", tracking_uri=store.address)
    assert Path(text).read_text(encoding="utf-8") == "{}\n"
    assert not list((tmp_path / "unsent").iterdir())


def test_a_refusal_is_a_warning(
    client: MlflowClient, store: RunStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = tracked_runs.begin(tmp_path, store)
    run.log_params({"epochs": 3})
    with caplog.at_level(logging.WARNING):
        run.log_params({"epochs": 4})  # MLflow keeps the first value
    run.log_metrics({"f1": 0.5})
    run.end()
    known = client.get_run(run.run_id)
    assert (known.data.params, known.data.metrics) == ({"epochs": "3"}, {"f1": 0.5})
    assert known.info.status == "FINISHED"
    assert "MLflow refuses an entry of run" in caplog.text


def test_no_secret_is_logged(client: MlflowClient, store: RunStore, tmp_path: Path) -> None:
    run = tracked_runs.begin(tmp_path, store)
    run.set_tags({"error": "https://me:hunter2@host.org/x.tif?sig=hunter2 does not answer", "password": "hunter2"})
    run.log_params({"source": "https://me:hunter2@host.org", "archive": {"token": "hunter2"}})
    run.end()
    known = client.get_run(run.run_id)
    assert "hunter2" not in f"{known.data.tags} {known.data.params}"
    assert known.data.params["source"] == "https://host.org"


def test_run_without_a_server(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = tracked_runs.begin(tmp_path, RunStore(NOWHERE, "mining_the_mines"))
    run.set_tags({"data_hash": "abc"})
    run.log_text("{}", "run.json")
    child = run.start_child("fold 0")
    child.log_metrics({"loss": math.nan}, step=1)
    child.end()
    run.end()
    assert not run.is_known
    assert caplog.text.count("does not answer") == 1
    assert "type: kedro send-unsent" in caplog.text
    (record,) = (tmp_path / "unsent").iterdir()
    assert "hunter2" not in caplog.text + "".join(path.read_text("utf-8") for path in record.iterdir())


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_denies_access_ends_the_run(status: int, tmp_path: Path) -> None:
    with FaultyServer(files(tmp_path)).running() as server:
        server.fail("", status)
        with pytest.raises(TrackingError, match="denies access: set MLFLOW_TRACKING_USERNAME"):
            tracked_runs.begin(tmp_path, RunStore(server.address, "mining_the_mines"))
    assert not list((tmp_path / "unsent").iterdir())
