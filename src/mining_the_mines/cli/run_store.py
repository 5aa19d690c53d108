"""The MLflow store of the project in a folder, read from its configuration."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from mining_the_mines.tracking.store import read_store

    return read_store(_config_loader(project, env), project)


def unsent_folder(project: Path, env: str | None = None) -> Path:
    """Return the folder of an environment's runs whose server did not answer.

    Args:
        project: Folder of the project.
        env: Environment of the configuration; Kedro's default by default.
    """
    from mining_the_mines.hooks.tracking import data_folder
    from mining_the_mines.tracking.store import UNSENT

    return data_folder(_config_loader(project, env), project) / UNSENT


def _config_loader(project: Path, env: str | None) -> Any:  # noqa: ANN401 - of the class that the settings name
    from kedro.framework.project import settings
    from kedro.framework.startup import bootstrap_project

    bootstrap_project(project)
    given = {**settings.CONFIG_LOADER_ARGS, **({"default_run_env": env} if env else {})}
    return settings.CONFIG_LOADER_CLASS(conf_source=str(project / settings.CONF_SOURCE), **given)
