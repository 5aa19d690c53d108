"""MLflow's model registry: versions are looked up, fetched and registered."""

import errno
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.redaction import redact, without_secrets
from mining_the_mines.tracking.store import beside_the_store, short_reason

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

#: Aliases: the version in use, and the newest one that was compared with it.
CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
#: Tag of a version by which the same model is recognised.
CONTENT_HASH: Final = "content_hash"
_ADDRESS: Final = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))")
#: Seconds that a registry may take to answer a health check.
_PATIENCE: Final = 5.0
#: Errors of the disk that is written to, not of the store that is read.
_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
#: Digits of the content hash in a folder's name.
_DIGITS: Final = 12


class RegistryError(BadInputError):
    """A model is not in the registry, or not as it was registered."""


class SilentRegistryError(RegistryError):
    """The registry does not answer, or denies access."""


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model.

    Attributes:
        name: The model's name.
        version: Its number.
        content_hash: SHA-256 by which the same model is recognised.
        source: MLflow's address of its files.
        run_id: The run that registered it and has the files among its artifacts; ``None`` if there is none.
    """

    name: str
    version: str
    content_hash: str
    source: str
    run_id: str | None = None

    @property
    def address(self) -> str:
        """The version as MLflow writes it, ``models:/NAME/VERSION``."""
        return f"models:/{self.name}/{self.version}"


@dataclass(frozen=True)
class Registration:
    """A model to register, and the decision on it.

    Attributes:
        name: Its name in the registry.
        folder: The MLflow model.
        content_hash: SHA-256 by which the same model is recognised.
        description: Its model card, within the registry's limit of length.
        tags: Tags of the version, which stay.
        decision: Tags of the decision; their names begin with ``decision``.
        becomes_champion: Whether it becomes the champion.
        champion_version: The version that it was compared with; empty for none.
    """

    name: str
    folder: Path
    content_hash: str
    description: str
    tags: dict[str, str]
    decision: dict[str, str]
    becomes_champion: bool
    champion_version: str


def find_version(address: str) -> RegisteredVersion:
    """Look a version up.

    Args:
        address: ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.

    Raises:
        RegistryError: The address is malformed, or there is no such model, alias or version.
        SilentRegistryError: The registry does not answer.
    """
    asked = _ADDRESS.fullmatch(address)
    if asked is None:
        raise RegistryError(
            f"{redact(address)} is no address of a registered model: write models:/NAME@ALIAS, such as "
            "models:/mine-segmenter@champion, or models:/NAME/VERSION."
        )
    name = asked["name"]
    with _registry() as client:
        found, aliases = _versions(client, name), _aliases(client, name)
        models = [] if found else sorted(model.name for model in client.search_registered_models())
    if not found:
        held = f"it holds {', '.join(models)}" if models else "it holds none yet, run the pipeline registration first"
        raise RegistryError(f"There is no model {name} in the registry: {held}.")
    number = asked["version"] or aliases.get(asked["alias"])
    if number not in found:
        called = ", ".join(f"{version} ({alias})" for alias, version in sorted(aliases.items()))
        raise RegistryError(
            f"{name} has no {'version ' + number if number else 'alias ' + asked['alias']} in the registry: "
            f"its versions are {', '.join(found)}{'; by alias ' + called if called else ''}."
        )
    return found[number]


def find_champion(name: str) -> RegisteredVersion | None:
    """Look up the version in use; ``None`` if there is none.

    Args:
        name: The model's name.

    Raises:
        SilentRegistryError: The registry does not answer.
    """
    with _registry() as client:
        return _versions(client, name).get(_aliases(client, name).get(CHAMPION, ""))


def fetch_version(version: RegisteredVersion, folder: Path) -> Path:
    """Download a version's files, unless they were downloaded before.

    Args:
        version: The version.
        folder: Keeps downloaded models, each in a folder of its own.

    Returns:
        The model's folder.

    Raises:
        RegistryError: The files are gone.
        SilentRegistryError: They can't be downloaded.
    """
    kept = folder / version.name / f"{version.version}-{version.content_hash[:_DIGITS]}"
    if kept.is_dir():
        return kept
    with _registry() as client, whole_folder(kept) as draft:
        source = client.get_model_version_download_uri(version.name, version.version)
        fetched = _download(_place(version, source, client.tracking_uri), draft / "fetched", client.tracking_uri)
        for path in sorted(fetched.iterdir()):
            path.replace(draft / path.name)
        shutil.rmtree(draft / "fetched", ignore_errors=True)
    logger.info("%s is downloaded to %s.", version.address, kept)
    return kept


def register(registration: Registration, run_id: str | None) -> RegisteredVersion:
    """Register a model unless the same one is there, and set its aliases.

    A model that became champion since the comparison stays. MLflow can't set an alias on a condition, though: of two
    runs that set it within the same moment the later one wins, and the other one logs a warning.

    Args:
        registration: The model, and the decision on it.
        run_id: The run whose artifacts it becomes; without one, the registry points to its folder.

    Returns:
        Its version.

    Raises:
        SilentRegistryError: The registry does not answer.
    """
    name = registration.name
    with _registry() as client:
        _create_model(client, name)
        known = _versions(client, name).values()
        version = next((each for each in known if each.content_hash == registration.content_hash), None)
        if version is None:
            version = _add(client, registration, run_id)
            logger.info("%s is registered as version %s.", name, version.version)
        else:
            logger.info("%s is in the registry already, as version %s: no new one is made.", name, version.version)
        if int(version.version) > int(_aliases(client, name).get(CHALLENGER, 0)):
            client.set_registered_model_alias(name, CHALLENGER, version.version)
        _promote(client, registration, version)
    return version


def _place(version: RegisteredVersion, source: str, address: str) -> str:
    """Return where a version's files lie now, also in a project that was moved with its embedded store."""
    from mlflow.utils.file_utils import local_file_uri_to_path
    from mlflow.utils.uri import is_local_uri

    if not is_local_uri(source) or Path(local_file_uri_to_path(source)).exists():
        return source
    moved = beside_the_store(address, version.run_id, version.name) if version.run_id else None
    if moved is None:
        raise RegistryError(
            f"The files of {version.address} are gone from {local_file_uri_to_path(source)}, where the registry has "
            "them: put them back, or name another version."
        )
    return str(moved)


def _download(source: str, folder: Path, address: str) -> Path:
    """Download files; an error means that the registry is silent, unless the disk here is full."""
    import mlflow

    try:
        return Path(
            mlflow.artifacts.download_artifacts(artifact_uri=source, dst_path=str(folder), tracking_uri=address)
        )
    except OSError as error:  # requests' errors are OSErrors
        if error.errno in _DISK:
            raise
        raise _silent(address, error) from error


def _promote(client: "MlflowClient", registration: Registration, version: RegisteredVersion) -> None:
    name, champion = registration.name, _aliases(client, registration.name).get(CHAMPION, "")
    if champion == version.version:  # its tags tell how it became that
        return
    if not registration.becomes_champion:
        _tag_decision(client, version, registration.decision)
        return
    if champion == registration.champion_version:
        _tag_decision(client, version, registration.decision)
        client.set_registered_model_alias(name, CHAMPION, version.version)
        champion = _aliases(client, name).get(CHAMPION, "")
        if champion == version.version:
            return
    if champion:
        reason = f"Version {champion} of {name} became champion since the comparison"
    else:
        reason = f"Version {registration.champion_version} of {name} is no champion any more, and there is no other"
    _tag_decision(client, version, registration.decision | {"decision": CHALLENGER, "decision.reason": f"{reason}."})
    logger.warning(
        "%s, so version %s stays the challenger: run the pipeline registration again to compare them.",
        reason, version.version,
    )  # fmt: skip


def _tag_decision(client: "MlflowClient", version: RegisteredVersion, decision: dict[str, str]) -> None:
    """Replace the decision in a version's tags."""
    told = client.get_model_version(version.name, version.version).tags
    for tag in [tag for tag in told if tag.startswith("decision") and tag not in decision]:
        client.delete_model_version_tag(version.name, version.version, tag)
    for tag, value in decision.items():
        client.set_model_version_tag(version.name, version.version, tag, value)


def _add(client: "MlflowClient", registration: Registration, run_id: str | None) -> RegisteredVersion:
    from mlflow.store.artifact.runs_artifact_repo import RunsArtifactRepository

    source = str(registration.folder.absolute())
    if run_id is not None:
        client.log_artifacts(run_id, source, registration.name)
        source = RunsArtifactRepository.get_underlying_uri(f"runs:/{run_id}/{registration.name}", client.tracking_uri)
    made = client.create_model_version(
        registration.name,
        source,
        run_id,
        tags={**registration.tags, **registration.decision, CONTENT_HASH: registration.content_hash},
        description=registration.description,
    )
    return RegisteredVersion(registration.name, str(made.version), registration.content_hash, source, run_id)


def _create_model(client: "MlflowClient", name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _versions(client: "MlflowClient", name: str) -> dict[str, RegisteredVersion]:
    """Return all versions of a model by number, the oldest first; none if there is no such model."""
    quoted = name.replace("'", "\\'")
    found = sorted(client.search_model_versions(f"name='{quoted}'"), key=lambda version: int(version.version))
    return {
        str(version.version): RegisteredVersion(
            name,
            str(version.version),
            version.tags.get(CONTENT_HASH, ""),
            version.source or "",
            version.run_id or None,  # MLflow stores none as an empty text
        )
        for version in found
    }


def _aliases(client: "MlflowClient", name: str) -> dict[str, str]:
    from mlflow.exceptions import MlflowException

    try:
        return {alias: str(version) for alias, version in client.get_registered_model(name).aliases.items()}
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return {}


@contextmanager
def _registry() -> "Iterator[MlflowClient]":
    """Connect to the registry of the store that MLflow is set to; an error is raised as one sentence."""
    import mlflow
    from mlflow.exceptions import MlflowException
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    address = mlflow.get_tracking_uri()
    try:
        if address.startswith(("http://", "https://")):
            # MLflow itself would try for minutes; it knows of certificates and passwords.
            http_request(get_default_host_creds(address), "/health", "GET", timeout=_PATIENCE, max_retries=0)
        yield mlflow.MlflowClient(address)
    except (MlflowException, OSError) as error:  # requests' errors are OSErrors
        raise _silent(address, error) from error


def _silent(address: str, error: Exception) -> SilentRegistryError:
    return SilentRegistryError(
        f"The model registry {without_secrets(address)} can't be used: start that server, then type "
        f"kedro run --pipelines=registration. ({short_reason(error)})"
    )
