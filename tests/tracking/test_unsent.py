"""What runs left unsent, because they were killed or their server was away."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from mlflow import MlflowClient

from mining_the_mines.tracking.unsent import send_unsent
from support import tracked_runs as telling

EPOCHS = 4


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory, address: str) -> Path:
    """What is left of a process that was killed in its last epoch, with nothing sent since its beginning."""
    folder = tmp_path_factory.mktemp("killed")
    process = telling.begin_training(folder, address, EPOCHS, 0.0, hang=True)
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    assert process.stdout.readline().strip() == "hanging"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert telling.children(MlflowClient(address), run_id) == {}
    return folder / "unsent" / run_id


@pytest.fixture
def killed(left: Path, tmp_path: Path) -> str:
    """The id of that run, whose journal lies in a folder of its own."""
    shutil.copytree(left, tmp_path / "unsent" / left.name)
    return left.name


def test_nothing_that_a_killed_process_had_told_is_lost(killed: str, address: str, tmp_path: Path) -> None:
    client = MlflowClient(address)
    (sending,) = send_unsent(tmp_path / "unsent", address, client)
    assert sending.outcome == "sent"
    run = client.get_run(killed)
    assert run.info.status == "KILLED"
    assert run.data.params == {"epochs": str(EPOCHS)}
    children = telling.children(client, killed)
    assert {name: child.info.status for name, child in children.items()} == {"fold 0": "FINISHED", "fold 1": "KILLED"}
    for child in children.values():
        assert len(client.get_metric_history(child.info.run_id, "loss")) == EPOCHS
    assert len(client.list_artifacts(killed, "epochs")) == 2 * EPOCHS
    assert not list((tmp_path / "unsent").iterdir())


def test_the_next_run_sends_it(killed: str, address: str, tmp_path: Path) -> None:
    run = telling.tracker(tmp_path, address).start("training")
    run.end()
    run.close()
    assert MlflowClient(address).get_run(killed).info.status == "KILLED"
    assert not list((tmp_path / "unsent").iterdir())


def test_what_is_sent_again_is_there_once(killed: str, address: str, left: Path, tmp_path: Path) -> None:
    client = MlflowClient(address)
    list(send_unsent(tmp_path / "unsent", address, client))
    shutil.copytree(left, tmp_path / "unsent" / killed)  # as if nobody had noted what was sent
    assert [sending.outcome for sending in send_unsent(tmp_path / "unsent", address, client)] == ["sent"]
    for child in telling.children(client, killed).values():
        assert len(client.get_metric_history(child.info.run_id, "loss")) == EPOCHS


def test_a_journal_that_cannot_be_read_is_named_and_holds_nothing_up(
    killed: str, address: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, file in (("0", "destination.json"), ("1", "journal.jsonl")):
        shutil.copytree(tmp_path / "unsent" / killed, tmp_path / "unsent" / name)
        (tmp_path / "unsent" / name / file).write_text("from the future\n", encoding="utf-8")
    sendings = send_unsent(tmp_path / "unsent", address, MlflowClient(address))
    assert {sending.folder.name: sending.outcome for sending in sendings} == {"1": "refused", killed: "sent"}
    assert str(tmp_path / "unsent/0") in caplog.text


def test_a_journal_that_may_not_be_opened_keeps_no_later_run_from_being_sent(
    killed: str, address: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    locked = tmp_path / "unsent" / "0-of-another-user"
    (locked / "lock").mkdir(parents=True)  # can't be opened for writing, not even by root
    run = telling.tracker(tmp_path, address).start("training")
    run.set_tags({"told": "live"})
    run.end()
    run.close()
    assert MlflowClient(address).get_run(run.run_id).data.tags["told"] == "live"
    assert MlflowClient(address).get_run(killed).info.status == "KILLED"
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith(f"{locked} holds a journal that can't be read (Is a directory)")


def test_a_journal_that_cannot_be_worked_on_is_named_with_the_reason_and_holds_nothing_up(
    killed: str, address: str, tmp_path: Path
) -> None:
    full = tmp_path / "unsent" / "0"
    shutil.copytree(tmp_path / "unsent" / killed, full)
    (full / "sent.json").unlink(missing_ok=True)
    note = full / "refused.jsonl"
    note.mkdir()  # it can't be read, whoever one is
    first, second = send_unsent(tmp_path / "unsent", address, MlflowClient(address))
    assert (first.outcome, second.outcome) == ("stuck", "sent")
    assert "Is a directory" in first.why
    assert full.is_dir()


def test_what_a_desktop_leaves_among_copies_is_no_copy(killed: str, address: str, tmp_path: Path) -> None:
    (tmp_path / "unsent" / killed / "files/.DS_Store").write_bytes(b"")
    assert [sending.outcome for sending in send_unsent(tmp_path / "unsent", address, MlflowClient(address))] == ["sent"]


def test_a_run_that_is_still_at_it_is_left_alone(address: str, tmp_path: Path) -> None:
    run = telling.tracker(tmp_path, address).start("training")
    assert list(send_unsent(tmp_path / "unsent", address, MlflowClient(address))) == []
    run.end()
    run.close()
    assert MlflowClient(address).get_run(run.run_id).info.status == "FINISHED"


def test_what_is_for_another_server_stays(killed: str, address: str, tmp_path: Path) -> None:
    (sending,) = send_unsent(tmp_path / "unsent", "https://me:secret@other.org", MlflowClient(address))
    assert (sending.outcome, sending.destination.run_id) == ("elsewhere", killed)
    assert (tmp_path / "unsent" / killed).is_dir()


def test_it_ends_with_the_first_that_is_not_answered(killed: str, address: str, tmp_path: Path) -> None:
    note = tmp_path / "unsent" / killed / "destination.json"
    note.write_text(note.read_text(encoding="utf-8").replace(address, "http://127.0.0.1:9"), encoding="utf-8")
    (sending,) = send_unsent(tmp_path / "unsent", "http://127.0.0.1:9", MlflowClient("http://127.0.0.1:9"))
    assert sending.outcome == "unanswered"
    assert (tmp_path / "unsent" / killed).is_dir()
