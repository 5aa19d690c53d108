"""Sending beside the work, and for how long."""

import logging
import threading
import time
from pathlib import Path

import pytest

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.tracking.entries import Tags
from mining_the_mines.tracking.errors import UnsentError
from mining_the_mines.tracking.journal import Destination, Journal, create
from mining_the_mines.tracking.sender import Sender
from mining_the_mines.tracking.settings import TrackingSettings

SETTINGS = TrackingSettings(patience_seconds=0.5, longest_wait_seconds=0.6)


class Server:
    """Takes entries one by one, unless it is down."""

    def __init__(self) -> None:
        self.up = threading.Event()
        self.up.set()
        self.asked = 0
        self.has: list[str] = []

    def deliver_next(self, journal: Journal) -> bool:
        """Take one entry."""
        self.asked += 1
        if not self.up.is_set():
            raise UnsentError("It does not answer.")
        for each in journal.pending(1):
            assert isinstance(each.entry, Tags)
            self.has.append(each.entry.values["number"])
            journal.note_sent(each.place)
            return True
        return False


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return create(tmp_path / "abc", Destination(address="server", experiment_id="1", run_id="abc", name=""))


def tell(journal: Journal, sender: Sender, *numbers: int) -> None:
    for number in numbers:
        journal.append(Tags(values={"number": str(number)}))
        sender.wake()


def test_all_is_sent_in_its_order_and_the_journal_removed(journal: Journal) -> None:
    server = Server()
    sender = Sender(journal, server.deliver_next, SETTINGS)
    tell(journal, sender, *range(20))
    sender.close()
    assert server.has == [str(number) for number in range(20)]
    assert not journal.folder.exists()


def test_a_server_that_comes_back_gets_what_it_missed_in_its_order(journal: Journal) -> None:
    server = Server()
    sender = Sender(journal, server.deliver_next, SETTINGS)
    tell(journal, sender, 0)
    server.up.clear()
    tell(journal, sender, 1, 2)
    time.sleep(0.2)
    tell(journal, sender, 3)
    server.up.set()
    sender.close()
    assert server.has == ["0", "1", "2", "3"]


def test_a_server_that_stays_away_is_waited_for_no_longer_than_one_is_patient(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server()
    server.up.clear()
    sender = Sender(journal, server.deliver_next, SETTINGS)
    tell(journal, sender, 1)
    before = time.monotonic()
    sender.close()
    assert time.monotonic() - before < 3
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert str(journal.folder) in warning
    assert "kedro send-unsent" in warning
    assert "(It does not answer)" in warning
    assert journal.folder.exists()


def test_a_server_that_is_away_is_not_pestered(journal: Journal) -> None:
    server = Server()
    server.up.clear()
    begun = time.monotonic()
    sender = Sender(journal, server.deliver_next, SETTINGS)
    for number in range(200):
        tell(journal, sender, number)
        time.sleep(0.005)
    assert server.asked <= 2 + (time.monotonic() - begun) / 0.5
    server.up.set()
    sender.close()


def test_what_earlier_runs_left_goes_first(journal: Journal) -> None:
    server = Server()
    sender = Sender(journal, server.deliver_next, SETTINGS, lambda: server.has.append("earlier"))
    tell(journal, sender, 1)
    sender.close()
    assert server.has == ["earlier", "1"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (BadInputError("The disk is full."), "The disk is full"),
        (PermissionError("Not yours"), "Not yours"),
        (ValueError("hunter2"), "its journal can't be read"),
    ],
)
def test_what_earlier_runs_left_never_stops_a_run_from_being_sent(
    journal: Journal, caplog: pytest.LogCaptureFixture, fault: Exception, reason: str
) -> None:
    def fail() -> None:
        raise fault

    server = Server()
    sender = Sender(journal, server.deliver_next, SETTINGS, fail)
    tell(journal, sender, 1)
    sender.close()
    assert server.has == ["1"]
    assert f"What earlier runs left unsent stays where it is ({reason})." in caplog.text


def test_a_run_whose_journal_cannot_be_read_ends_with_the_true_reason(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    sender = Sender(journal, Server().deliver_next, SETTINGS)
    (journal.folder / "journal.jsonl").unlink()
    sender.wake()
    sender.close()
    assert "No such file or directory" in caplog.text
    assert "did not answer" not in caplog.text
