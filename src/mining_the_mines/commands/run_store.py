"""Where this project tracks its runs."""

import os
from pathlib import Path
from typing import Any, Final

from mining_the_mines.tracking.runs import RunStore

#: With MLflow's back-off, a server that refuses is given up after some six seconds.
_RETRIES: Final = "2"


def project_store(project: Path, env: str | None = None) -> RunStore:
    """Read from a project's configuration where its runs are tracked.

    Args:
        project: Its folder.
        env: Environment of the configuration; Kedro's default if none is named.

    Returns:
        The store that ``conf/<env>/mlflow.yml`` names, or else the environment variable ``MLFLOW_TRACKING_URI``.
    """
    from kedro.framework.project import settings
    from kedro.framework.startup import bootstrap_project

    bootstrap_project(project)
    given = {**settings.CONFIG_LOADER_ARGS, **({"default_run_env": env} if env else {})}
    loader: Any = settings.CONFIG_LOADER_CLASS(conf_source=str(project / settings.CONF_SOURCE), **given)
    from kedro_mlflow.config.kedro_mlflow_config import KedroMlflowConfig  # the settings silence its warning

    # MLflow would keep whoever typed a command waiting for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", _RETRIES)
    config = KedroMlflowConfig.model_validate(dict(loader["mlflow"]))
    return RunStore(_absolute(config.server.mlflow_tracking_uri or "mlruns", project), config.tracking.experiment.name)


def _absolute(address: str, project: Path) -> str:
    """MLflow takes a file's address as relative to wherever it is asked from."""
    beside, relative = address.removeprefix("sqlite:///"), address.startswith("sqlite:///")
    if relative and not beside.startswith("/"):
        return f"sqlite:///{project.resolve() / beside}"
    if "://" not in address and not Path(address).is_absolute():
        return (project.resolve() / address).as_uri()
    return address
