"""Datasets that are local files or folders."""

import fcntl
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TypeVar

from kedro.io import AbstractDataset, DatasetError
from kedro.io.core import AbstractVersionedDataset, Version

from mining_the_mines.core.atomic import adopt_folder
from mining_the_mines.core.hashing import NOTHING, ContentHashes

Saved = TypeVar("Saved")
Loaded = TypeVar("Loaded")


class LocalDataset(AbstractVersionedDataset[Saved, Loaded]):
    """A local file or folder, versioned if the catalog says so.

    Args:
        filepath: The file or folder.
        version: Given by Kedro where the catalog says ``versioned: true``.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def __init__(
        self, *, filepath: str, version: Version | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        super().__init__(filepath=PurePosixPath(filepath), version=version)
        self.metadata = metadata

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "version": self._version}


class FileDataset(LocalDataset[Saved, Loaded]):
    """A local file, versioned if the catalog says so."""

    def _exists(self) -> bool:
        return Path(self._get_load_path()).is_file()


class FolderDataset(LocalDataset[Saved, Loaded]):
    """A local folder, versioned if the catalog says so."""

    @property
    def load_folder(self) -> Path:
        """Where it is read from."""
        return Path(self._get_load_path())

    @property
    def save_folder(self) -> Path:
        """Where it is written to."""
        return Path(self._get_save_path())

    def _exists(self) -> bool:
        return self.load_folder.is_dir()


class BuiltFolder(Protocol):
    """A result that a node has built in a folder of drafts."""

    @property
    def folder(self) -> Path | None:
        """The folder; ``None`` if the result is in memory."""
        ...


Built = TypeVar("Built", bound=BuiltFolder)


class BuiltFolderDataset(FolderDataset[Built, Loaded]):
    """A folder that a node builds and that saving moves into its place."""

    def save(self, data: Built) -> None:
        """Move the finished folder into its place."""
        if data.folder is None:
            raise DatasetError("A result in memory can't be moved into the catalog: build it in a folder of drafts.")
        adopt_folder(data.folder, self.save_folder)


class WorkFolderDataset(AbstractDataset[None, Path]):
    """A folder that a node writes into, for results too large for memory.

    Args:
        filepath: The folder; it is made when it is first loaded.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> Path:
        """Return the folder's absolute path."""
        folder = self._filepath.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: the node writes into the folder itself."""
        raise DatasetError(f"{self._filepath} is a work folder: nodes write into it, the catalog does not.")

    def content_hash(self, path: Path, hashes: ContentHashes) -> str:  # noqa: ARG002 - one protocol for all datasets
        """A constant: the results that nodes return describe the files in the folder."""
        return NOTHING

    def _exists(self) -> bool:
        return self._filepath.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}


class DraftFolderDataset(WorkFolderDataset):
    """A folder for drafts, in which each run has a sub-folder of its own.

    Nodes build folders there, which other datasets adopt. The sub-folder disappears when the run ends. A run that was
    killed leaves it behind, and the next run removes it.
    """

    _own: Path | None = None

    def load(self) -> Path:
        """Return the absolute path of this run's sub-folder."""
        if self._own is None:
            self._own, lock = _own_folder(super().load())
            weakref.finalize(self, _remove, self._own, lock)
        return self._own


def _own_folder(drafts: Path) -> tuple[Path, int]:
    """Make a folder with a lock on it, and remove folders whose run is gone: a lock ends with its process."""
    with _lock(drafts):  # no other run removes the new folder before it has its lock
        for left in drafts.iterdir():
            try:
                with _lock(left, fcntl.LOCK_NB):
                    shutil.rmtree(left, ignore_errors=True)
            except BlockingIOError:
                continue
        own = Path(tempfile.mkdtemp(dir=drafts, prefix=""))
        lock = os.open(own, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return own, lock


@contextmanager
def _lock(folder: Path, flags: int = 0) -> Iterator[None]:
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | flags)
        yield
    finally:
        os.close(opened)


def _remove(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)
