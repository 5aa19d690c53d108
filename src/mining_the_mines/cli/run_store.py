"""Where this project tracks its runs."""

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mining_the_mines.core.parameter_errors import describe_settings_errors
from mining_the_mines.tracking.addresses import EMBEDDED, anchor
from mining_the_mines.tracking.errors import TrackingError
from mining_the_mines.tracking.runs import RunStore
from mining_the_mines.tracking.settings import TrackingSettings, set_time_limits


def project_store(project: Path, env: str | None = None) -> RunStore:
    """Read from a project's configuration where its runs are tracked.

    Args:
        project: Its folder.
        env: Environment of the configuration; Kedro's default if none is named.

    Returns:
        The store that ``conf/<env>/mlflow.yml`` names, or else the environment variable ``MLFLOW_TRACKING_URI``.

    Raises:
        TrackingError: ``mlflow.yml`` has settings that kedro-mlflow does not know.
    """
    from kedro.framework.project import settings
    from kedro.framework.startup import bootstrap_project

    bootstrap_project(project)
    given = {**settings.CONFIG_LOADER_ARGS, **({"default_run_env": env} if env else {})}
    loader: Any = settings.CONFIG_LOADER_CLASS(conf_source=str(project / settings.CONF_SOURCE), **given)
    from kedro_mlflow.config.kedro_mlflow_config import KedroMlflowConfig  # the settings silence its warning

    set_time_limits(TrackingSettings())
    try:
        config = KedroMlflowConfig.model_validate(dict(loader["mlflow"]))
    except ValidationError as error:
        raise TrackingError(describe_settings_errors(error, "mlflow.yml")) from None
    _export(loader, config.server.credentials)
    address = anchor(config.server.mlflow_tracking_uri or EMBEDDED, project.resolve())
    return RunStore(address, config.tracking.experiment.name)


def _export(loader: Any, name: str | None) -> None:  # noqa: ANN401 - Kedro's configuration, a dictionary of dictionaries
    """Let MLflow know what its server asks for, as kedro-mlflow does when a run begins."""
    from kedro.config import MissingConfigException

    try:
        credentials = loader["credentials"]
    except MissingConfigException:
        return
    os.environ.update({key: str(value) for key, value in (credentials.get(name) or {}).items()})
