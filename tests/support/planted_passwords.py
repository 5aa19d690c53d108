"""Passwords where people put them, and a search for them in all that a run leaves behind."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

#: Below ``mlflow:`` of conf/local/credentials.yml, which the project exports to the environment; no test uses it.
EXPORTED: Final = "AWS_SECRET_ACCESS_KEY"
IN_CREDENTIALS: Final = "Geheim-credentials"
IN_PARAMETERS: Final = ("Geheim-password", "Geheim-token", "Geheim-address")
IN_ENVIRONMENT: Final = {
    "AWS_SESSION_TOKEN": "Geheim-session",
    "MLFLOW_TRACKING_PASSWORD": "Geheim-mlflow",
    "PC_SDK_SUBSCRIPTION_KEY": "Geheim-subscription",
}
SECRETS: Final = (IN_CREDENTIALS, *IN_PARAMETERS, *IN_ENVIRONMENT.values())

_CREDENTIALS: Final = f"mlflow: {{{EXPORTED}: {IN_CREDENTIALS}}}\n"
_PARAMETERS: Final = f"""\
archive:
  db_password: {IN_PARAMETERS[0]}
  headers: {{X-Api-Token: {IN_PARAMETERS[1]}}}
  address: https://somebody:{IN_PARAMETERS[2]}@archive.example.org/catalog.json?my_token={IN_PARAMETERS[2]}
"""


def plant(project: Path, environment: pytest.MonkeyPatch) -> None:
    """Give a project secrets in its local configuration and in the environment."""
    local = project / "conf/local"
    local.mkdir(exist_ok=True)
    (local / "credentials.yml").write_text(_CREDENTIALS, encoding="utf-8")
    (local / "parameters.yml").write_text(_PARAMETERS, encoding="utf-8")
    environment.setenv(EXPORTED, "replaced by the run, and put back afterwards")
    for name, secret in IN_ENVIRONMENT.items():
        environment.setenv(name, secret)


def files_of(project: Path) -> list[Path]:
    """All files of a project but its local configuration."""
    return [path for path in project.rglob("*") if path.is_file() and project / "conf/local" not in path.parents]


def held(project: Path, secrets: Iterable[str]) -> dict[str, list[str]]:
    """The files that hold a secret, and which."""
    found = {path: [secret for secret in secrets if secret.encode() in path.read_bytes()] for path in files_of(project)}
    return {str(path.relative_to(project)): some for path, some in found.items() if some}
