"""What all datasets that are folders have in common."""

from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from kedro.io.core import AbstractVersionedDataset, Version

Saved = TypeVar("Saved")
Loaded = TypeVar("Loaded")


class FolderDataset(AbstractVersionedDataset[Saved, Loaded]):
    """A local folder, versioned if the catalog says so.

    Args:
        filepath: The folder.
        version: Given by Kedro where the catalog says ``versioned: true``.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def __init__(
        self, *, filepath: str, version: Version | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        super().__init__(filepath=PurePosixPath(filepath), version=version)
        self.metadata = metadata

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

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "version": self._version}
