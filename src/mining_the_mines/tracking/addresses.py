"""Where runs are tracked: the embedded store of the project, or a team's server."""

from pathlib import Path
from typing import Final
from urllib.parse import unquote

_SQLITE: Final = "sqlite:///"
#: The store of a project that names no other.
EMBEDDED: Final = "sqlite:///data/mlflow/mlflow.db"
#: Where a project keeps what could not be sent yet; a folder for each run.
UNSENT: Final = "data/mlflow/unsent"


def anchor(address: str, project: Path) -> str:
    """Make the path of an embedded store independent of the folder that a command is typed in.

    Args:
        address: Of a tracking server or store.
        project: Folder of the project.

    Returns:
        The address; that of an SQLite file with its whole path.
    """
    if not address.startswith(_SQLITE):
        return address
    return f"{_SQLITE}{project / address.removeprefix(_SQLITE)}"


def embedded_file(address: str) -> Path | None:
    """The file of an embedded store; ``None`` for a server or another database."""
    if not address.startswith(_SQLITE):
        return None
    return Path(unquote(address.removeprefix(_SQLITE).partition("?")[0]))


def artifact_location(address: str, project: Path) -> str | None:
    """Where an experiment's artifacts are stored.

    Args:
        address: Of the tracking server or store, as :func:`anchor` gives it.
        project: Folder of the project.

    Returns:
        A folder beside an SQLite file; one in the project's data for another database that is written to without a
        server; ``None`` for a server, which has its own place for them.
    """
    store = embedded_file(address)
    if store is not None:
        return str(store.parent / "artifacts")
    if address.startswith(("postgresql", "mysql", "mssql")):
        return str(project / "data/mlflow/artifacts")
    return None
