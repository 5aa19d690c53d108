"""Models in MLflow's registry: looked up, fetched, registered."""

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
from mining_the_mines.registry.champion import Registration
from mining_the_mines.registry.promotion import CHALLENGER, CHAMPION
from mining_the_mines.tracking.moved import beside_the_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)

#: Tag of a version that tells whether a model is there already.
CONTENT_HASH: Final = "content_hash"
_ADDRESS: Final = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))")
#: Seconds that a registry has to say that it is there.
_PATIENCE: Final = 5.0
#: What is wrong with the disk that is written to, and not with what is read.
_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
#: Digits of the content hash in the name of a folder.
_DIGITS: Final = 12


class RegistryError(BadInputError):
    """A model that is asked for is not in the registry."""


class SilentRegistryError(RegistryError):
    """The registry does not answer, or does not let us in."""


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model.

    Attributes:
        name: The model's name.
        version: Its number.
        content_hash: Tells whether another model is the same; SHA-256.
        source: Where its files lie, as MLflow calls it.
        run_id: The run that registered it, whose artifacts they are; ``None`` if it was registered without one.
    """

    name: str
    version: str
    content_hash: str
    source: str
    run_id: str | None = None


def find_version(address: str) -> RegisteredVersion:
    """Look a version up.

    Args:
        address: ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.

    Returns:
        The version.

    Raises:
        RegistryError: The address is none, or there is no such model, alias or version.
        SilentRegistryError: The registry does not answer.
    """
    asked = _ADDRESS.fullmatch(address)
    if asked is None:
        raise RegistryError(
            f"{redact(address)} is no address of a registered model: write models:/NAME@ALIAS, such as "
            "models:/mine-segmenter@champion, or models:/NAME/VERSION."
        )
    with _registry() as client:
        found, aliases = _versions(client, asked["name"]), _aliases(client, asked["name"])
        if not found:
            raise RegistryError(
                f"There is no model {asked['name']} in the registry: {_listed(_names(client), 'it holds')}."
            )
    number = asked["version"] or aliases.get(asked["alias"])
    if number not in found:
        called = ", ".join(f"{version} ({alias})" for alias, version in sorted(aliases.items()))
        raise RegistryError(
            f"{asked['name']} has no {'version ' + number if number else 'alias ' + asked['alias']} in the registry: "
            f"its versions are {', '.join(found)}{'; by alias ' + called if called else ''}."
        )
    return found[number]


def find_champion(name: str) -> RegisteredVersion | None:
    """Look up the version in use, if there is one.

    Args:
        name: Of the model.

    Raises:
        SilentRegistryError: The registry does not answer.
    """
    with _registry() as client:
        return _versions(client, name).get(_aliases(client, name).get(CHAMPION, ""))


def fetch_version(version: RegisteredVersion, folder: Path) -> Path:
    """Fetch a version's files, unless they were fetched before.

    Args:
        version: Which.
        folder: Where fetched models are kept, each in a folder of its own.

    Returns:
        The model's folder.

    Raises:
        RegistryError: The files are gone.
        SilentRegistryError: They can't be fetched.
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
    return kept


def register(registration: Registration, run_id: str | None) -> RegisteredVersion:
    """Register a model unless it is there already, and give it its aliases.

    Whoever reads the aliases sees the old champion or the new one, and nothing in between. Another run that has made a
    champion since this model was compared keeps it. MLflow can't set an alias on a condition, though: of two runs that
    make a champion within the same moment, the later one wins, and the other one says so where it comes to know.

    Args:
        registration: The model, and what was decided.
        run_id: The run whose artifacts it becomes; without one, the registry points to its folder.

    Returns:
        Its version.

    Raises:
        SilentRegistryError: The registry does not answer.
    """
    name = registration.name
    with _registry() as client:
        _make_room(client, name)
        version = _same(_versions(client, name), registration.content_hash)
        if version is None:
            version = _add(client, registration, run_id)
            logger.info("%s is registered as version %s.", name, version.version)
        else:
            logger.info("%s is in the registry already, as version %s: no new one is made.", name, version.version)
        if int(version.version) > int(_aliases(client, name).get(CHALLENGER, 0)):  # an older one was put forward before
            client.set_registered_model_alias(name, CHALLENGER, version.version)
        _promote(client, registration, version)
    return version


def _place(version: RegisteredVersion, source: str, address: str) -> str:
    """Where a version's files lie now, also if a project has moved with its embedded store.

    Raises:
        RegistryError: They are gone.
    """
    from mlflow.utils.file_utils import local_file_uri_to_path
    from mlflow.utils.uri import is_local_uri

    if not is_local_uri(source) or Path(local_file_uri_to_path(source)).exists():
        return source
    moved = beside_the_store(address, version.run_id, version.name) if version.run_id else None
    if moved is None:
        raise RegistryError(
            f"The files of models:/{version.name}/{version.version} are gone from {local_file_uri_to_path(source)}, "
            "where the registry has them: put them back, or name another version."
        )
    return str(moved)


def _download(source: str, folder: Path, address: str) -> Path:
    """Fetch files; that they can't be fetched is not the fault of the disk that they are written to, unless it is full.

    Args:
        source: Where they lie, as MLflow calls it.
        folder: Where they are written to, which is made.
        address: Of the registry.
    """
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
    if champion == version.version:  # its tags tell how it came to be that
        return
    if not registration.becomes_champion:
        _tell_decision(client, version, registration.decision)
        return
    if champion == registration.champion_version:
        _tell_decision(client, version, registration.decision)
        client.set_registered_model_alias(name, CHAMPION, version.version)
        champion = _aliases(client, name).get(CHAMPION, "")
        if champion == version.version:
            return
    if champion:
        reason = f"{name} has got another champion meanwhile, version {champion}"
    else:
        reason = f"Version {registration.champion_version} of {name} is no champion any more, and there is no other"
    _tell_decision(client, version, registration.decision | {"decision": CHALLENGER, "decision.reason": f"{reason}."})
    logger.warning(
        "%s, so version %s stays the challenger: run the pipeline registration again to compare them.",
        reason, version.version,
    )  # fmt: skip


def _tell_decision(client: "MlflowClient", version: RegisteredVersion, decision: dict[str, str]) -> None:
    """Write a decision into a version's tags; nothing of an earlier one is left among them."""
    told = client.get_model_version(version.name, version.version).tags
    for tag in [tag for tag in told if tag.startswith("decision") and tag not in decision]:
        client.delete_model_version_tag(version.name, version.version, tag)
    for tag, value in decision.items():
        if told.get(tag) != value:
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


def _same(versions: dict[str, RegisteredVersion], content_hash: str) -> RegisteredVersion | None:
    return next((version for version in versions.values() if version.content_hash == content_hash), None)


def _make_room(client: "MlflowClient", name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _versions(client: "MlflowClient", name: str) -> dict[str, RegisteredVersion]:
    """All versions of a model by number, the oldest first; none, if there is no such model."""
    quoted = name.replace("'", "\\'")
    found = sorted(client.search_model_versions(f"name='{quoted}'"), key=lambda version: int(version.version))
    return {
        str(version.version): RegisteredVersion(
            name,
            str(version.version),
            version.tags.get(CONTENT_HASH, ""),
            version.source or "",
            version.run_id or None,  # MLflow keeps none as an empty text
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


def _names(client: "MlflowClient") -> list[str]:
    return sorted(model.name for model in client.search_registered_models())


def _listed(names: list[str], words: str) -> str:
    return f"{words} {', '.join(names)}" if names else "it holds none yet, run the pipeline registration first"


@contextmanager
def _registry() -> "Iterator[MlflowClient]":
    """A client of the registry that the project tracks its runs in; what it fails in is told in one sentence."""
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
    reason = " ".join(redact(str(error)).split())[:200]
    return SilentRegistryError(
        f"The model registry {without_secrets(address)} did not do what was asked of it: start that server, then type "
        f"kedro run --pipelines=registration. ({reason})"
    )
