"""What a dataset of the catalog holds, as one hash."""

import glob
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from kedro.io import AbstractDataset
from kedro.io.core import AbstractVersionedDataset

from mining_the_mines.ledger.content import NOTHING, ContentHashes
from mining_the_mines.ledger.records import DatasetState
from mining_the_mines.ledger.versions import version_of
from mining_the_mines.models.model_source import ModelSource

#: Geodata whose parts lie in files of their own beside it.
_WITH_SIDECARS = (".shp",)


@runtime_checkable
class HoldsMore(Protocol):
    """A dataset whose content is not simply that of its file or folder."""

    def content_hash(self, path: Path, hashes: ContentHashes) -> str:
        """Hash what the dataset holds.

        Args:
            path: Where it lies, which need not be where it is now.
            hashes: Of files.
        """
        ...


@runtime_checkable
class HasParts(Protocol):
    """A dataset that holds things with a name and a hash of their own."""

    def parts(self, path: Path) -> dict[str, str]:
        """Hashes of what lies at a path, by name."""
        ...


@runtime_checkable
class MayBeRegistered(Protocol):
    """A dataset in whose place a registered model may be read, whatever lies at its own path."""

    def find_registered(self) -> ModelSource | None:
        """Where that model lies; ``None`` if none is asked for."""
        ...


@runtime_checkable
class AlwaysChanges(Protocol):
    """A dataset of which no hash can tell what it holds: whoever reads or writes it is not up to date next time."""

    always_changes: bool


def place_of(dataset: AbstractDataset[Any, Any]) -> Path | None:
    """Where a dataset is read from; ``None`` if in memory, or if nobody named a file."""
    if isinstance(dataset, AbstractVersionedDataset):
        return Path(dataset._get_load_path())  # noqa: SLF001 - Kedro has no public name for it
    place = getattr(dataset, "_filepath", None)
    return None if place is None else Path(place)


def hash_at(dataset: AbstractDataset[Any, Any], path: Path, hashes: ContentHashes) -> str:
    """Hash what a dataset holds, or once held, at a path."""
    if isinstance(dataset, HoldsMore):
        return dataset.content_hash(path, hashes)
    if path.suffix.lower() in _WITH_SIDECARS:
        return hashes.of_files(with_sidecars(path), path.parent)
    return hashes.of(path)


def state_read(name: str, dataset: AbstractDataset[Any, Any], hashes: ContentHashes, project: Path) -> DatasetState:
    """Describe what whoever reads a dataset gets: what it holds, or a registered model in its place.

    Args:
        name: In the catalog.
        dataset: The dataset.
        hashes: Of files.
        project: Folder of the project, which paths in it are relative to.
    """
    model = dataset.find_registered() if isinstance(dataset, MayBeRegistered) else None
    if model is None:
        return state_of(name, dataset, hashes, project)
    return DatasetState(
        dataset=name,
        path=shown_path(model.folder, project),
        registered=model.registered,
        registered_by=model.registered_by,
        content_hash=hashes.of(model.folder),
    )


def state_of(name: str, dataset: AbstractDataset[Any, Any], hashes: ContentHashes, project: Path) -> DatasetState:
    """Describe what a dataset of files holds, as it was written.

    Args:
        name: In the catalog.
        dataset: The dataset.
        hashes: Of files.
        project: Folder of the project, which paths in it are relative to.
    """
    path = place_of(dataset)
    if path is None:
        held = dataset.content_hash(project, hashes) if isinstance(dataset, HoldsMore) else NOTHING
        return DatasetState(dataset=name, content_hash=held)
    return DatasetState(
        dataset=name,
        version=version_of(dataset),
        path=shown_path(path, project),
        content_hash=hash_at(dataset, path, hashes),
        parts=dataset.parts(path) if isinstance(dataset, HasParts) else {},
    )


def shown_path(path: Path, project: Path) -> str:
    """A path as records give it: relative to the project if it lies in it."""
    absolute = path.absolute()
    return absolute.relative_to(project).as_posix() if absolute.is_relative_to(project) else str(absolute)


def with_sidecars(path: Path) -> list[Path]:
    """A file with those beside it that belong to it; usually it is alone."""
    if path.suffix.lower() not in _WITH_SIDECARS:
        return [path]
    return [file for file in path.parent.glob(f"{glob.escape(path.stem)}.*") if file.is_file()]
