"""Registered models: added to the registry, downloaded, and checked against it."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from mining_the_mines.models.description import DESCRIPTION
from mining_the_mines.models.predictor import ModelSource
from mining_the_mines.registry.package import CARD, CODE, FACTS, NATIVE, TRAINING_CHIPS, StoredPackage, read_package
from mining_the_mines.tracking.registry import (
    RegisteredVersion,
    Registration,
    RegistryError,
    SilentRegistryError,
    fetch_version,
    find_version,
    register,
)
from mining_the_mines.tracking.run import active_run

logger = logging.getLogger(__name__)

#: Files of a package; the model of another project lacks some.
_FILES: Final = (NATIVE, CODE, DESCRIPTION, FACTS, CARD, TRAINING_CHIPS)


def add_version(name: str, folder: Path, wanted: Callable[[], Registration]) -> dict[str, Any]:
    """Add a version to the registry, and tag the active run with it.

    Args:
        name: Name of the model.
        folder: Folder of its files.
        wanted: Makes the version to add; it may ask the registry.

    Returns:
        ``name``, and ``version`` in the registry. If the registry does not answer, which is reported and ends no run,
        ``version`` is ``None``, and ``pending`` makes the next run with ``--only-stale`` try again.
    """
    run = active_run()
    try:
        version = register(wanted(), run.run_id if run is not None and run.is_known else None)
    except SilentRegistryError as error:
        logger.warning("%s is not registered and stays in %s: %s", name, folder, error)
        return {"name": name, "version": None, "pending": True}
    if run is not None:
        run.set_tags({f"registered.{name}": version.version})
    return {"name": name, "version": version.version}


def fetch_model(address: str, folder: Path, task: str) -> ModelSource:
    """Download a registered model to predict with.

    Args:
        address: ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION``.
        folder: Keeps downloaded models.
        task: Task that the model is wanted for, ``classification`` or ``segmentation``.

    Returns:
        Its folder, name and version, and the run that registered it.

    Raises:
        RegistryError: There is no such model, this project did not write it, or it is for the other task.
    """
    version = find_version(address)
    package = fetch_package(version, folder)
    if package.description.task != task:
        raise RegistryError(
            f"{address} is a model for {package.description.task}, and one for {task} is wanted: --params=classifier "
            "takes classifiers, --params=segmenter takes segmenters."
        )
    return ModelSource(package.folder / NATIVE, f"{version.name} {version.version}", version.run_id)


def fetch_package(version: RegisteredVersion, folder: Path) -> StoredPackage:
    """Download the package of a version, and check that it is the one that was registered.

    Args:
        version: The version.
        folder: Keeps downloaded models.

    Raises:
        RegistryError: It can't be downloaded, this project did not write it, or it was changed since.
    """
    kept = fetch_version(version, folder)
    lacking = next((name for name in _FILES if not (kept / name).exists()), "")
    if lacking:
        raise RegistryError(
            f"{version.address} was not registered by this project (it has no {lacking}), so that it can't be used "
            "here: name a version that the pipeline registration has made."
        )
    changed = RegistryError(
        f"The files of {version.address} are not those that were registered: remove {kept} if it was changed there, "
        "and else do not trust that version."
    )
    try:
        package = read_package(kept)
    except (OSError, ValueError) as error:  # pydantic's errors are ValueErrors
        raise changed from error
    if package.content_hash != version.content_hash:
        raise changed
    return package
