"""Sends a journal in a thread of its own, so that a run never waits for its tracking server."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.redaction import redact
from mining_the_mines.tracking.errors import UnsentError
from mining_the_mines.tracking.journal import Journal
from mining_the_mines.tracking.settings import TrackingSettings

logger = logging.getLogger(__name__)

_FIRST_WAIT_SECONDS: Final = 0.5
#: While a run waits for its end, the server is asked oftener.
_LAST_WAIT_SECONDS: Final = 2.0

#: What may go wrong for a while: the server is away, the disk is full or gone, a journal can't be read.
_FAULTS: Final = (UnsentError, OSError, ValueError)

#: Sends what comes next in a journal, and tells whether there was anything left; raises UnsentError.
DeliverNext = Callable[[Journal], bool]


class Sender:
    """Sends a journal's entries as they come; waits longer and longer while the server does not take them.

    Args:
        journal: What is sent.
        deliver_next: Sends a part of it.
        settings: How long it is patient.
        before: Done first in its thread, such as sending what earlier runs left.
    """

    def __init__(
        self,
        journal: Journal,
        deliver_next: DeliverNext,
        settings: TrackingSettings,
        before: Callable[[], None] | None = None,
    ) -> None:
        self._journal = journal
        self._deliver_next = deliver_next
        self._settings = settings
        self._before = before
        self._something = threading.Event()
        self._closing = threading.Event()
        self._last_answer = time.monotonic()
        self._silent = False
        self._obstacle = "sending broke off"
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that something has been written down."""
        self._something.set()

    def close(self) -> None:
        """Wait until all has been sent, or for as long as one is patient; then say what is left, and where."""
        self._last_answer = time.monotonic()
        self._closing.set()
        self._something.set()
        self._thread.join()
        try:
            left, refusals = bool(self._journal.pending(1)), self._journal.refusals()
        except _FAULTS as error:
            self._obstacle, left, refusals = _tell(error), True, []
        if left:
            logger.warning(
                "The tracking server %s has not got all of run %s (%s): what it does not know yet is kept in %s, and "
                "sent by the next run, or by typing: kedro send-unsent",
                self._journal.destination.address,
                self._journal.destination.run_id,
                self._obstacle,
                self._journal.folder,
            )
            self._journal.close()
        elif refusals:
            logger.warning(
                "The tracking server %s refused %d entries of run %s, which are kept in %s; the first: %s",
                self._journal.destination.address,
                len(refusals),
                self._journal.destination.run_id,
                self._journal.folder,
                refusals[0],
            )
            self._journal.close()
        else:
            self._journal.remove()

    def _work(self) -> None:
        self._go_before()
        wait = _FIRST_WAIT_SECONDS
        while True:
            self._something.clear()
            try:
                more = self._deliver_next(self._journal)
            except _FAULTS as error:
                self._note_silence(error)
                if self._closing.is_set() and self._patience_is_over():
                    return
                self._rest(wait)
                wait = min(2 * wait, self._settings.longest_wait_seconds)
                continue
            wait, self._silent = _FIRST_WAIT_SECONDS, False
            self._last_answer = time.monotonic()
            if more:
                continue
            if self._closing.is_set():
                return
            self._something.wait()

    def _go_before(self) -> None:
        try:
            if self._before is not None:
                self._before()
        except _FAULTS as error:  # it must not keep this run from being sent
            logger.warning("What earlier runs left unsent stays where it is (%s).", _tell(error))

    def _patience_is_over(self) -> bool:
        return time.monotonic() - self._last_answer >= self._settings.patience_seconds

    def _rest(self, seconds: float) -> None:
        if self._closing.is_set():
            time.sleep(min(seconds, _LAST_WAIT_SECONDS, self._settings.patience_seconds))
        else:
            self._closing.wait(seconds)

    def _note_silence(self, error: Exception) -> None:
        self._obstacle = _tell(error)
        if not self._silent:
            logger.info("The run goes on and tells it later: %s", self._obstacle)
        self._silent = True


def _tell(error: Exception) -> str:
    """What stands in the way, without passwords, and without what a journal holds."""
    if isinstance(error, ValueError) and not isinstance(error, BadInputError):
        return "its journal can't be read"
    return redact(str(error)).rstrip(".")
