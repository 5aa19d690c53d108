"""How long a run waits for its tracking server."""

import os

from pydantic import BaseModel, ConfigDict, Field


class TrackingSettings(BaseModel):
    """The parameter ``tracking``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timeout_seconds: int = Field(10, ge=1, description="How long the server may take for an answer.")
    patience_seconds: float = Field(
        30,
        ge=0,
        description="How long a run that has ended waits for a server that does not answer. What it could not send by "
        "then stays on disk, and is sent by the next run or by `kedro send-unsent`.",
    )
    longest_wait_seconds: float = Field(
        20, gt=0, description="Seconds between two attempts at most; the first comes after half a second."
    )


def set_time_limits(settings: TrackingSettings) -> None:
    """Make MLflow give up soon, since asking again is the sender's business: its own defaults take minutes.

    MLflow would also make a run twice if the answer to the first request got lost. Variables that are set in the
    environment stay (MLflow's ``environment_variables.py``).

    Args:
        settings: Time limits.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(settings.timeout_seconds))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    # It would show a bar for each file that it fetches, however small.
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # It would print a run's address from the sender's thread, with the password that the server's address may have.
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
