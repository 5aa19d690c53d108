"""The MLflow store that a project tracks its runs in: an embedded SQLite file, or a team's server."""

import os
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.parameter_errors import describe_settings_errors
from mining_the_mines.core.redaction import redact, without_secrets

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

_SQLITE: Final = "sqlite:///"
#: The store of a project that names no other, relative to the project.
EMBEDDED: Final = "sqlite:///data/mlflow/mlflow.db"
#: Folder of the runs whose server did not answer, below the data folder of an environment.
UNSENT: Final = "unsent_runs"
#: Characters of a library's message that an error repeats.
_REASON: Final = 300


class TrackingError(BadInputError):
    """The configuration of tracking can't be used, or the server refuses access."""


class StoreSettings(BaseModel):
    """The file ``mlflow.yml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tracking_uri: str = Field(
        EMBEDDED, description="MLflow's tracking URI; a relative SQLite path begins at the project."
    )
    experiment: str = Field("mining_the_mines", min_length=1, description="MLflow experiment of the runs.")
    credentials: str | None = Field(
        None, description="Section of credentials.yml whose entries become environment variables for MLflow."
    )
    timeout_seconds: int = Field(
        10,
        ge=1,
        description="Time that the server may take for one answer, in seconds; MLFLOW_HTTP_REQUEST_TIMEOUT wins.",
    )


@dataclass(frozen=True)
class RunStore:
    """Where a project's runs are tracked.

    Attributes:
        address: MLflow's tracking URI, absolute where it names a file; it may hold a password.
        experiment: Name of the experiment.
    """

    address: str
    experiment: str

    @property
    def name(self) -> str:
        """The address without password, for messages and files."""
        return without_secrets(self.address)

    def client(self) -> "MlflowClient":
        """Connect to the store; an embedded one is created if it does not exist."""
        from mlflow import MlflowClient

        if (database := embedded_file(self.address)) is not None:
            database.parent.mkdir(parents=True, exist_ok=True)
        return MlflowClient(self.address)

    def experiment_id(self, client: "MlflowClient") -> str:
        """Return the experiment that new runs belong to; it is created if need be.

        MLflow can't change where an experiment keeps its files. A project that was moved with its embedded store
        therefore gets a second experiment, which :func:`mining_the_mines.tracking.runs.find_run` searches, too.
        """
        place = artifact_folder(self.address)
        found = _experiment(client, self.experiment, place)
        if place is not None and not _keeps_files_in(place, found):
            found = _experiment(client, f"{self.experiment} in {place.parent}", place)
        return str(found.experiment_id)

    def unreachable(self, error: Exception) -> BadInputError:
        """Describe in one sentence, without password, that the store can't be read."""
        return BadInputError(
            f"The runs in {self.name} can't be read: start that server, or name another store by "
            f"MLFLOW_TRACKING_URI. ({short_reason(error)})"
        )


def _experiment(client: "MlflowClient", name: str, place: Path | None) -> "Experiment":
    """Return the experiment of this name; create it if need be."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            made = client.create_experiment(name, None if place is None else place.as_uri())
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return _experiment(client, name, place)  # another run created it at the same moment
        return client.get_experiment(made)
    return found


def _keeps_files_in(place: Path, experiment: "Experiment") -> bool:
    from mlflow.utils.file_utils import local_file_uri_to_path

    return Path(local_file_uri_to_path(experiment.artifact_location)) == place


def read_store(config_loader: Any, project: Path) -> RunStore:  # noqa: ANN401 - Kedro's configuration loader
    """Read ``mlflow.yml``, and export the credentials that it names to the environment.

    Args:
        config_loader: Kedro's configuration loader.
        project: Folder of the project.

    Raises:
        TrackingError: ``mlflow.yml`` has unknown or wrong settings.
    """
    from kedro.config import MissingConfigException

    try:
        given = dict(config_loader["mlflow"])
    except MissingConfigException:
        given = {}
    try:
        settings = StoreSettings.model_validate(given)
    except ValidationError as error:
        raise TrackingError(describe_settings_errors(error, "mlflow.yml")) from None
    try:
        credentials: Mapping[str, Any] = config_loader["credentials"]
    except MissingConfigException:
        credentials = {}
    if settings.credentials is not None:
        secrets = credentials.get(settings.credentials) or {}
        os.environ.update({name: str(value) for name, value in secrets.items()})
    limit_waiting(settings.timeout_seconds)
    return RunStore(anchor(settings.tracking_uri, project.absolute()), settings.experiment)


def limit_waiting(timeout_seconds: int) -> None:
    """Make MLflow give up soon, without retries: its defaults take minutes.

    A retry would also create a run twice if the answer to the first request is lost. Variables that are set in the
    environment stay.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(timeout_seconds))
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    # MLflow would print a run's address with the password that the server's address may have.
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"


def anchor(address: str, project: Path) -> str:
    """Make the path of an embedded store absolute: a relative one begins at the project's folder."""
    if not address.startswith(_SQLITE):
        return address
    return f"{_SQLITE}{project / address.removeprefix(_SQLITE)}"


def embedded_file(address: str) -> Path | None:
    """Return the file of an embedded store; ``None`` for a server or another database."""
    if not address.startswith(_SQLITE):
        return None
    return Path(unquote(address.removeprefix(_SQLITE).partition("?")[0]))


def artifact_folder(address: str) -> Path | None:
    """Return the folder of artifacts beside an embedded store; ``None`` for a server, which has its own."""
    store = embedded_file(address)
    return None if store is None else store.parent / "artifacts"


def beside_the_store(address: str, run_id: str, path: str) -> Path | None:
    """Find a run's file in a project that was moved or copied with its embedded store.

    MLflow stores absolute paths only, so that its own look-up fails there.

    Args:
        address: Of the store.
        run_id: MLflow's id of the run.
        path: Of the file or folder among the run's artifacts.

    Returns:
        Its path beside the embedded store; ``None`` if nothing is there.
    """
    folder = artifact_folder(address)
    moved = None if folder is None else folder / run_id / "artifacts" / path
    return moved if moved is not None and moved.exists() else None


def short_reason(error: Exception) -> str:
    """Return a library's message on one line, without passwords, fit for the end of a sentence."""
    return textwrap.shorten(redact(str(error)) or type(error).__name__, _REASON, placeholder=" …")
