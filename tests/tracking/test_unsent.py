"""Records that the server has not got are sent later, whole and once."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.tracking.run import TrackedRun
from mining_the_mines.tracking.store import RunStore
from mining_the_mines.tracking.unsent import UnsentRecord, send_record, send_unsent
from support import tracked_runs

EPOCHS = 4
NOWHERE = RunStore("http://127.0.0.1:9", tracked_runs.EXPERIMENT)


def log_offline(folder: Path, store: RunStore) -> TrackedRun:
    """A run whose server never answered, with a file that has changed since it was logged."""
    run = tracked_runs.begin(folder, NOWHERE)
    table = folder / "scores.csv"
    table.write_text("first", encoding="utf-8")
    run.log_params({"epochs": 3})
    run.log_artifact(table, "tables")
    run.log_artifact(folder / "missing.csv")
    child = run.start_child("fold 0")
    for epoch in range(3):
        child.log_metrics({"loss": float(epoch)}, step=epoch)
    child.end()
    run.end()
    table.write_text("second", encoding="utf-8")
    redirect(folder / "unsent" / run.key, store)
    return run


def redirect(record: Path, store: RunStore) -> None:
    """Let a record belong to another store."""
    path = record / "run.json"
    path.write_text(path.read_text("utf-8").replace(NOWHERE.name, store.name), encoding="utf-8")


def test_unanswered_run_is_sent(store: RunStore, tmp_path: Path) -> None:
    run = log_offline(tmp_path, store)
    (sending,) = send_unsent(tmp_path / "unsent", store)
    assert sending.outcome == "sent"
    assert "missing.csv" in sending.reason
    client = store.client()
    known = tracked_runs.of_key(client, run.key)
    assert (known.info.status, known.data.params) == ("FINISHED", {"epochs": "3"})
    assert tracked_runs.losses(client, known.info.run_id) == {"fold 0": [0.0, 1.0, 2.0]}
    place = client.download_artifacts(known.info.run_id, "tables/scores.csv")
    assert Path(place).read_text("utf-8") == "first"
    assert not list((tmp_path / "unsent").iterdir())


def test_sending_twice_changes_nothing(store: RunStore, tmp_path: Path) -> None:
    run = log_offline(tmp_path, store)
    shutil.copytree(tmp_path / "unsent", tmp_path / "again")
    for folder in ("unsent", "again"):
        assert [each.outcome for each in send_unsent(tmp_path / folder, store)] == ["sent"]
    client = store.client()
    known = tracked_runs.of_key(client, run.key)
    assert tracked_runs.losses(client, known.info.run_id) == {"fold 0": [0.0, 1.0, 2.0]}


def test_killed_run(store: RunStore, tmp_path: Path) -> None:
    process = tracked_runs.begin_training(tmp_path, store.address, EPOCHS, 0.0, hang=True)
    assert process.stdout is not None
    key = process.stdout.readline().strip()
    assert process.stdout.readline().strip() == "hanging"
    assert list(send_unsent(tmp_path / "unsent", store)) == []  # it is under way
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert [each.outcome for each in send_unsent(tmp_path / "unsent", store)] == ["sent"]
    client = store.client()
    run = tracked_runs.of_key(client, key)
    assert run.info.status == "KILLED"
    children = tracked_runs.children(client, run.info.run_id)
    assert {name: child.info.status for name, child in children.items()} == {"fold 0": "FINISHED", "fold 1": "KILLED"}
    assert all(len(epochs) == EPOCHS for epochs in tracked_runs.losses(client, run.info.run_id).values())
    assert len(client.list_artifacts(run.info.run_id, "epochs")) == 2 * EPOCHS


def test_cut_off_line(store: RunStore, tmp_path: Path) -> None:
    run = log_offline(tmp_path, store)
    entries = tmp_path / "unsent" / run.key / "entries.jsonl"
    entries.write_bytes(entries.read_bytes()[:-20])
    assert [each.outcome for each in send_unsent(tmp_path / "unsent", store)] == ["sent"]
    assert tracked_runs.of_key(store.client(), run.key).info.status == "KILLED"


def test_records_that_stay(store: RunStore, tmp_path: Path) -> None:
    run = log_offline(tmp_path, store)
    record = tmp_path / "unsent" / run.key
    elsewhere = send_record(record, NOWHERE)
    assert elsewhere is not None
    assert (elsewhere.outcome, elsewhere.store) == ("elsewhere", store.name)
    (record / "entries.jsonl").write_text('{"former": 1}\n', encoding="utf-8")
    damaged = send_record(record, store)
    assert damaged is not None
    assert damaged.outcome == "unreadable"
    (record / "run.json").unlink()
    lacking = send_record(record, store)
    assert lacking is not None
    assert lacking.outcome == "unreadable"
    assert record.is_dir()


def test_the_first_silence_ends_sending(store: RunStore, tmp_path: Path) -> None:
    for _ in range(2):
        run = log_offline(tmp_path, store)
        path = tmp_path / "unsent" / run.key / "run.json"
        path.write_text(path.read_text("utf-8").replace(store.name, NOWHERE.name), encoding="utf-8")
    assert [each.outcome for each in send_unsent(tmp_path / "unsent", NOWHERE)] == ["unanswered"]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "unsent").write_text("no folder")
    with pytest.raises(BadInputError, match="can't be written"):
        UnsentRecord.create(tmp_path / "unsent" / "key", NOWHERE)
