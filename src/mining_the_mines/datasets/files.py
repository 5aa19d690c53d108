"""Tables, values and texts in files that appear whole or not at all."""

from pathlib import Path, PurePosixPath
from typing import Any

from kedro_datasets.json import JSONDataset
from kedro_datasets.pandas import CSVDataset, ParquetDataset
from kedro_datasets.text import TextDataset

from mining_the_mines.atomic import whole_file


class AtomicSave:
    """Mixed in before a file dataset, makes it write atomically."""

    _partial: Path | None = None

    def _get_save_path(self) -> PurePosixPath:
        """The temporary path while a save is under way."""
        if self._partial is not None:
            return PurePosixPath(self._partial)
        path: PurePosixPath = super()._get_save_path()  # type: ignore[misc] # of the dataset that it is mixed into
        return path

    def save(self, data: Any) -> None:  # noqa: ANN401 - whatever the file dataset takes
        """Save through a temporary sibling."""
        with whole_file(Path(self._get_save_path())) as partial:
            self._partial = partial
            try:
                super().save.__wrapped__(self, data)  # type: ignore[misc] # Kedro's wrapper around it is not needed twice
            finally:
                self._partial = None


class CsvTable(AtomicSave, CSVDataset):  # type: ignore[misc] # kedro-datasets is untyped
    """A pandas table as CSV."""


class ParquetTable(AtomicSave, ParquetDataset):  # type: ignore[misc]
    """A pandas table as Parquet."""


class JsonFile(AtomicSave, JSONDataset):  # type: ignore[misc]
    """Plain values as JSON."""


class TextFile(AtomicSave, TextDataset):  # type: ignore[misc]
    """Text, such as HTML."""
