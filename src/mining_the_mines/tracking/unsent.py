"""What earlier runs could not send, or did not live to send."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.redaction import redact, without_secrets
from mining_the_mines.tracking.entries import ITSELF, Ended, Started
from mining_the_mines.tracking.errors import UnsentError
from mining_the_mines.tracking.journal import Destination, Journal, take_over

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

#: ``sent``: the server has all of it; ``unanswered``: it does not answer; ``elsewhere``: it is for another server;
#: ``refused``: it will never take some of it; ``stuck``: the journal can't be worked on here, as on a full disk.
Outcome = Literal["sent", "unanswered", "elsewhere", "refused", "stuck"]


@dataclass(frozen=True)
class Sending:
    """What became of a journal.

    Attributes:
        folder: Where it is, or was.
        destination: Which run of which server it is for.
        outcome: What became of it.
        why: What stands in the way, if not all was sent.
    """

    folder: Path
    destination: Destination
    outcome: Outcome
    why: str = ""


def send_unsent(folder: Path, address: str, client: "MlflowClient") -> Iterator[Sending]:
    """Send the journals of runs that are no more.

    A run that was killed had no chance to say how it ended: its status becomes ``KILLED``.

    Args:
        folder: Holds a folder for each run.
        address: Of the tracking server; journals for another one stay.
        client: Knows the server.

    Yields:
        What became of each; runs that are still at it are left out. It ends with the first that is not answered.
    """
    for place in sorted(path for path in folder.glob("*") if path.is_dir()):
        journal = _take_over(place)
        if journal is None:
            continue
        sending = _send(journal, address, client)
        if sending.outcome == "sent":
            journal.remove()
        else:
            journal.close()
        yield sending
        if sending.outcome == "unanswered":
            return


def send_quietly(folder: Path, address: str, client: "MlflowClient") -> None:
    """Do the same beside a run, which says what it sent.

    Args:
        folder: Holds a folder for each run.
        address: Of the tracking server.
        client: Knows the server.
    """
    for sending in send_unsent(folder, address, client):
        if sending.outcome == "sent":
            logger.info("Run %s had left something unsent: sent.", sending.destination.run_id)
        elif sending.outcome == "stuck":
            logger.warning(
                "What run %s left unsent in %s stays there (%s): mend that, and type: kedro send-unsent",
                sending.destination.run_id,
                sending.folder,
                sending.why,
            )


def _take_over(place: Path) -> Journal | None:
    try:
        return take_over(place)
    except (OSError, ValueError) as error:  # another user's, of a later version of this package, or edited by hand
        logger.warning(
            "%s holds a journal that can't be read (%s): make it readable, or remove the folder if nobody needs it.",
            place,
            "it is not as this version writes it" if isinstance(error, ValueError) else error.strerror,
        )
        return None


def _send(journal: Journal, address: str, client: "MlflowClient") -> Sending:
    from mining_the_mines.tracking.delivery import deliver_next

    destination = journal.destination
    if destination.address != without_secrets(address):
        return Sending(journal.folder, destination, "elsewhere")
    try:
        _end_what_was_killed(journal)
        while deliver_next(journal, client):
            pass
        refusals = journal.refusals()
    except UnsentError as error:
        return Sending(journal.folder, destination, "unanswered", str(error))
    except (OSError, BadInputError) as error:
        return Sending(journal.folder, destination, "stuck", redact(str(error)))
    except ValidationError:
        return Sending(journal.folder, destination, "refused", "an entry can't be read")
    if refusals:
        return Sending(journal.folder, destination, "refused", refusals[0])
    return Sending(journal.folder, destination, "sent")


def _end_what_was_killed(journal: Journal) -> None:
    entries = journal.all_entries()
    begun = [entry.child for entry in entries if isinstance(entry, Started)]
    ended = {entry.child for entry in entries if isinstance(entry, Ended)}
    last = journal.last_written()
    for child in [*begun, ITSELF]:
        if child not in ended:
            journal.append(Ended(child=child, status="KILLED", time=last))
