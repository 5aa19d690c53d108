"""What a run tells, and what MLflow knows of it then."""

import logging
import math
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

from mining_the_mines import tracking
from mining_the_mines.tracking.active import FAILED, set_active_run
from mining_the_mines.tracking.errors import TrackingError
from mining_the_mines.tracking.settings import TrackingSettings, set_time_limits
from mining_the_mines.tracking.starting import Tracker
from support import tracked_runs as telling
from support.http_servers import FaultyServer, files


@pytest.fixture
def client(address: str) -> MlflowClient:
    return MlflowClient(address)


def test_all_that_is_told_is_there_when_the_run_has_been_closed(
    client: MlflowClient, address: str, tmp_path: Path
) -> None:
    scores = tmp_path / "scores.csv"
    scores.write_text("f1\n0.5\n", encoding="utf-8")
    run = telling.tracker(tmp_path, address).start("training")
    run.set_tags({"data_hash": "abc", "git_dirty": False})
    run.log_params({f"parameter {number}": number for number in range(250)})
    run.log_metrics({f"metric {number}": number / 3 for number in range(1700)} | {"loss": math.inf})
    run.log_artifact(scores)
    run.log_artifact(scores, "tables")
    run.log_text("{}\n", "provenance/run.json")
    assert run.tags["data_hash"] == "abc"
    run.end()
    run.close()
    known = client.get_run(run.run_id)
    assert (known.info.run_name, known.info.status) == ("training", "FINISHED")
    assert known.data.tags["git_dirty"] == "False"
    assert known.data.params["parameter 249"] == "249"
    assert known.data.metrics["metric 1699"] == 1699 / 3
    assert (len(known.data.params), len(known.data.metrics)) == (250, 1701)
    files = {item.path for item in client.list_artifacts(run.run_id)}
    assert files == {"scores.csv", "tables", "provenance"}
    text = download_artifacts(run_id=run.run_id, artifact_path="provenance/run.json", tracking_uri=address)
    assert Path(text).read_text(encoding="utf-8") == "{}\n"
    assert not list((tmp_path / "unsent").iterdir())


def test_a_fold_is_a_child_with_a_figure_for_each_epoch(client: MlflowClient, address: str, tmp_path: Path) -> None:
    run = telling.tracker(tmp_path, address).start("training")
    for fold in range(2):
        child = run.start_child(f"fold {fold}")
        for epoch in range(3):
            child.log_metrics({"loss": float(epoch)}, step=epoch)
        child.end(FAILED if fold else "FINISHED")
    run.end()
    run.close()
    children = telling.children(client, run.run_id)
    assert {name: child.info.status for name, child in children.items()} == {"fold 0": "FINISHED", "fold 1": "FAILED"}
    history = client.get_metric_history(children["fold 0"].info.run_id, "loss")
    assert [(each.step, each.value) for each in history] == [(0, 0.0), (1, 1.0), (2, 2.0)]


def test_what_mlflow_refuses_is_kept_aside_and_holds_nothing_up(
    client: MlflowClient, address: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = telling.tracker(tmp_path, address).start("training")
    run.log_params({"epochs": 3})
    run.log_params({"epochs": 4})  # MLflow keeps what it was told first
    run.log_metrics({"f1": 0.5})
    run.end()
    with caplog.at_level(logging.WARNING):
        run.close()
    known = client.get_run(run.run_id)
    assert (known.data.params, known.data.metrics) == ({"epochs": "3"}, {"f1": 0.5})
    assert known.info.status == "FINISHED"
    (warning,) = [record.getMessage() for record in caplog.records if "mining_the_mines" in record.name]
    assert "refused 1 entries" in warning
    assert str(tmp_path / "unsent" / run.run_id) in warning


def test_no_password_or_signature_gets_into_the_journal_or_to_mlflow(
    client: MlflowClient, address: str, tmp_path: Path
) -> None:
    run = telling.tracker(tmp_path, address).start("training")
    run.set_tags({"error": "https://me:hunter2@host.org/x.tif?sig=hunter2 does not answer"})
    run.log_params({"source": "https://me:hunter2@host.org"})
    journal = (tmp_path / "unsent" / run.run_id / "journal.jsonl").read_text(encoding="utf-8")
    run.end()
    run.close()
    known = client.get_run(run.run_id)
    assert "hunter2" not in f"{journal} {known.data.tags} {known.data.params}"
    assert known.data.params["source"] == "https://host.org"


def test_whoever_asks_gets_the_run_of_the_process(address: str, tmp_path: Path) -> None:
    assert tracking.active_run() is None
    run = telling.tracker(tmp_path, address).start("training")
    set_active_run(run)
    assert tracking.active_run() is run
    set_active_run(None)
    run.end()
    run.close()


def test_a_server_that_does_not_answer_is_told_in_one_sentence_without_password(tmp_path: Path) -> None:
    set_time_limits(TrackingSettings())
    tracker = Tracker("http://me:hunter2@127.0.0.1:9", "1", tmp_path / "unsent", TrackingSettings())
    with pytest.raises(TrackingError, match=r"127\.0\.0\.1:9, which does not answer") as told:
        tracker.start("training")
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_wants_a_password_says_so(status: int, tmp_path: Path) -> None:
    set_time_limits(TrackingSettings())
    with FaultyServer(files(tmp_path)).running() as server:
        server.fail("", status)
        tracker = Tracker(server.address, "1", tmp_path / "unsent", TrackingSettings())
        with pytest.raises(TrackingError, match="does not let you in: set MLFLOW_TRACKING_USERNAME"):
            tracker.start("training")
