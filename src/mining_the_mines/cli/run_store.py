"""The MLflow store of the project in a folder, read from its configuration."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mining_the_mines.tracking.store import RunStore


def project_store(project: Path, env: str | None = None) -> "RunStore":
    """Read where a project's runs are tracked.

    Args:
        project: Its folder.
        env: Environment of the configuration; Kedro's default by default.

    Returns:
        The store that ``mlflow.yml`` names, or else the environment variable ``MLFLOW_TRACKING_URI``.

    Raises:
        TrackingError: ``mlflow.yml`` has unknown or wrong settings.
    """
    from mining_the_mines.ledger.project_catalog import config_loader
    from mining_the_mines.tracking.store import read_store

    return read_store(config_loader(project, env), project)


def unsent_folder(project: Path, env: str | None = None) -> Path:
    """Return the folder of an environment's runs whose server did not answer.

    Args:
        project: Folder of the project.
        env: Environment of the configuration; Kedro's default by default.
    """
    from mining_the_mines.ledger.project_catalog import config_loader, data_folder
    from mining_the_mines.tracking.store import UNSENT

    return data_folder(config_loader(project, env), project) / UNSENT
