"""Starts a run in MLflow, from which on this process tells of it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.tracking.context.registry import resolve_tags

from mining_the_mines.core.redaction import redact, redact_all, without_secrets
from mining_the_mines.tracking.active import TrackedRun
from mining_the_mines.tracking.delivery import deliver_next
from mining_the_mines.tracking.errors import TrackingError
from mining_the_mines.tracking.journal import Destination, Journal, create
from mining_the_mines.tracking.sender import Sender
from mining_the_mines.tracking.settings import TrackingSettings
from mining_the_mines.tracking.unsent import send_quietly

#: How MLflow tells of an answer that is not its own server's, such as a proxy's, and its own server's codes.
_NOT_LET_IN: Final = re.compile(r"error code 40[13]\b")
_NOT_LET_IN_CODES: Final = ("UNAUTHENTICATED", "PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED")


@dataclass(frozen=True)
class Tracker:
    """Where runs are tracked.

    Attributes:
        address: Of the tracking server or store, with user and password if it has them there.
        experiment_id: MLflow's experiment.
        unsent: Folder of what could not be sent yet.
        settings: How long it is patient.
    """

    address: str
    experiment_id: str
    unsent: Path
    settings: TrackingSettings

    def start(self, name: str) -> TrackedRun:
        """Start a run.

        Args:
            name: Its name.

        Returns:
            The run.

        Raises:
            TrackingError: The server can't be reached.
        """
        client = MlflowClient(self.address)
        try:
            made = client.create_run(self.experiment_id, run_name=name, tags=redact_all(resolve_tags()))
        except MlflowException as error:
            raise unreachable(self.address, error) from None
        return self.go_on(made.info.run_id, name)

    def go_on(self, run_id: str, name: str) -> TrackedRun:
        """Go on with a run that exists already.

        Args:
            run_id: Its id.
            name: Its name.

        Returns:
            The run.
        """
        destination = Destination(
            address=without_secrets(self.address), experiment_id=self.experiment_id, run_id=run_id, name=name
        )
        journal = create(self.unsent / run_id, destination)
        client = MlflowClient(self.address)

        def deliver(journal: Journal) -> bool:
            return deliver_next(journal, client)

        def before() -> None:
            send_quietly(self.unsent, self.address, client)

        return TrackedRun(journal, Sender(journal, deliver, self.settings, before))


def unreachable(address: str, error: Exception) -> TrackingError:
    """Say that a server can't be reached.

    Args:
        address: With user and password if it has them there.
        error: What the library says.

    Returns:
        One sentence, without password.
    """
    reason = " ".join(redact(str(error)).split())[:200]
    server = without_secrets(address)
    if _NOT_LET_IN.search(reason) or getattr(error, "error_code", "") in _NOT_LET_IN_CODES:
        return TrackingError(
            f"The tracking server {server} does not let you in: set MLFLOW_TRACKING_USERNAME and "
            f"MLFLOW_TRACKING_PASSWORD, and name it as its --allowed-hosts do. ({reason})"
        )
    return TrackingError(
        f"Runs can't be tracked by {server}, which does not answer: start that server, or set MLFLOW_TRACKING_URI to "
        f"one that runs, or unset it to track in data/mlflow. ({reason})"
    )
