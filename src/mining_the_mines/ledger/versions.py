"""Versions of datasets: which one is read, where it lies, and how an older one becomes the newest again."""

import os
import shutil
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from kedro.io.core import AbstractVersionedDataset, Version, VersionNotFoundError

from mining_the_mines.core.atomic import whole_file, whole_folder


def version_of(dataset: AbstractDataset[Any, Any]) -> str | None:
    """Which version of a dataset is read; ``None`` if it has none."""
    return dataset.resolve_load_version() if isinstance(dataset, AbstractVersionedDataset) else None


def place_of_version(dataset: AbstractDataset[Any, Any], version: str) -> Path | None:
    """Where a version of a dataset lies, or would lie; ``None`` if the catalog keeps no versions of it."""
    if isinstance(dataset, AbstractVersionedDataset) and dataset._version is not None:  # noqa: SLF001 - Kedro has no public name for it
        return Path(dataset._get_versioned_path(version))  # noqa: SLF001
    return None


def is_newest(dataset: AbstractDataset[Any, Any], version: str) -> bool:
    """Whether no later version of a dataset lies on disk."""
    if not isinstance(dataset, AbstractVersionedDataset):
        return True
    try:
        return bool(version >= dataset.list_versions(full_path=False)[0])
    except (IndexError, VersionNotFoundError):
        return True


def read_from(dataset: AbstractDataset[Any, Any], version: str | None) -> None:
    """Make a dataset read a version of itself that was written before this run."""
    if isinstance(dataset, AbstractVersionedDataset) and version is not None and dataset._version is not None:  # noqa: SLF001 - the catalog can pin versions only before it makes its datasets
        dataset.release()
        dataset._version = Version(version, dataset._version.save)  # noqa: SLF001


def bring_forward(dataset: AbstractVersionedDataset[Any, Any], version: str) -> tuple[str, Path]:
    """Make what an older version holds the version of this run, so that later ones read it too.

    Files are linked, so that this takes no room.

    Args:
        dataset: The dataset.
        version: The older version.

    Returns:
        The version of this run, and where it lies.

    Raises:
        BadInputError: The disk is full, or the place can't be written to.
    """
    new = dataset.resolve_save_version() or version
    source, target = (Path(dataset._get_versioned_path(each)) for each in (version, new))  # noqa: SLF001
    if source.is_dir():
        with whole_folder(target) as draft:
            shutil.copytree(source, draft, copy_function=_link, dirs_exist_ok=True)
    else:
        with whole_file(target) as draft:
            _link(source, draft)
    return new, target


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(os.path.realpath(source), target)
    except OSError:  # another disk, or one without links
        shutil.copy2(source, target)
