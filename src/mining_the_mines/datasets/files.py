"""Tables, plain values and texts in files, saved atomically."""

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from kedro.io import DatasetError
from kedro.io.core import Version, VersionNotFoundError
from kedro_datasets._typing import JSONPreview
from kedro_datasets.json import JSONDataset
from kedro_datasets.pandas import CSVDataset, ParquetDataset
from kedro_datasets.text import TextDataset

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.hashing import NOTHING, ContentHashes, hash_bytes, hash_file
from mining_the_mines.datasets.folders import FileDataset
from mining_the_mines.datasets.previews import (
    ROWS,
    NothingToShowError,
    TablePreview,
    table_preview,
    where_there_are_data,
)

if TYPE_CHECKING:
    import geopandas as gpd


class AtomicSave:
    """Mixin that makes a file dataset save atomically; it stands before the dataset."""

    _partial: Path | None = None

    def _get_save_path(self) -> PurePosixPath:
        """The temporary path while a save is under way."""
        if self._partial is not None:
            return PurePosixPath(self._partial)
        path: PurePosixPath = super()._get_save_path()  # type: ignore[misc] # of the dataset that it is mixed into
        return path

    def save(self, data: Any) -> None:  # noqa: ANN401 - any data that the file dataset takes
        """Save through a temporary sibling."""
        with whole_file(Path(self._get_save_path())) as partial:
            self._partial = partial
            try:
                super().save.__wrapped__(self, data)  # type: ignore[misc] # Kedro's wrapper around it is not needed twice
            finally:
                self._partial = None


class CsvTable(AtomicSave, CSVDataset):  # type: ignore[misc] # kedro-datasets is untyped
    """A pandas table as CSV. Only empty cells are missing values: NA and None are names.

    Args:
        optional: True to load ``None`` before the first save.
        load_args: Arguments of :func:`pandas.read_csv`.
        options: Those of Kedro's dataset.
    """

    def __init__(
        self,
        *,
        optional: bool = False,
        load_args: dict[str, Any] | None = None,
        **options: Any,  # noqa: ANN401 - Kedro's
    ) -> None:
        super().__init__(load_args={"keep_default_na": False, "na_values": [""], **(load_args or {})}, **options)
        self.optional = optional

    def load(self) -> Any:  # noqa: ANN401 - a table, or None
        """Read the table; ``None`` if it is optional and there is none."""
        return None if self.optional and not self.exists() else super().load.__wrapped__(self)

    @where_there_are_data
    def preview(self, nrows: int = ROWS) -> TablePreview:
        """The first rows, for Kedro-Viz."""
        shortened = self._copy()
        shortened._load_args["nrows"] = nrows  # noqa: SLF001 - of its own copy, as kedro-datasets does
        return table_preview(shortened.load(), nrows)


class ParquetTable(AtomicSave, ParquetDataset):  # type: ignore[misc]
    """A pandas table as Parquet."""

    @where_there_are_data
    def preview(self, nrows: int = ROWS) -> TablePreview:
        """The first rows, for Kedro-Viz."""
        return table_preview(self.load(), nrows)


class GeoParquetTable(FileDataset["gpd.GeoDataFrame", "gpd.GeoDataFrame | None"]):
    """A table with outlines as GeoParquet 1.1, which a GIS opens.

    Args:
        filepath: The file.
        optional: True to load ``None`` before the first save.
        version: Given by Kedro where the catalog says ``versioned: true``.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def __init__(
        self,
        *,
        filepath: str,
        optional: bool = False,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, version=version, metadata=metadata)
        self.optional = optional

    def load(self) -> "gpd.GeoDataFrame | None":
        """Read the table; ``None`` if it is optional and there is none."""
        import geopandas as gpd

        return None if self.optional and not self.exists() else gpd.read_parquet(self._get_load_path())

    def save(self, data: "gpd.GeoDataFrame") -> None:
        """Write the table with a box for each row, so that readers can skip rows."""
        from mining_the_mines.geo.polygon_files import write_geoparquet

        with whole_file(Path(self._get_save_path())) as draft:
            write_geoparquet(data, draft)

    @where_there_are_data
    def preview(self, nrows: int = ROWS) -> TablePreview:
        """The first rows, for Kedro-Viz."""
        import pandas as pd

        table = self.load()
        if table is None:
            raise NothingToShowError
        return table_preview(pd.DataFrame(table.select_dtypes(exclude="geometry")), nrows)


class EarlierGeoParquetTable(GeoParquetTable):
    """A versioned table before it changed last; read only.

    That is the newest version with other content than the last one, so that a run that is made again, after an error
    or for no reason, compares with the same version.
    """

    def load(self) -> "gpd.GeoDataFrame | None":
        """Read the earlier version; ``None`` if there is none."""
        import geopandas as gpd

        return gpd.read_parquet(self._get_load_path()) if self._exists() else None

    def resolve_load_version(self) -> str:
        """Find the earlier version.

        Raises:
            VersionNotFoundError: There is none.
        """
        folder = Path(self._filepath)
        versions = sorted(folder.glob(f"*/{folder.name}"))
        for path in reversed(versions):
            if hash_file(path) != hash_file(versions[-1]):
                return path.parent.name
        raise VersionNotFoundError(f"{folder} has no earlier version.")

    def _get_load_path(self) -> PurePosixPath:
        return self._get_versioned_path(self.resolve_load_version())

    def _exists(self) -> bool:
        try:
            return Path(self._get_load_path()).is_file()
        except VersionNotFoundError:
            return False

    def save(self, data: "gpd.GeoDataFrame") -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: the table has an entry of its own."""
        raise DatasetError(f"{self._filepath} is written by the entry of the table itself.")


class JsonFile(AtomicSave, JSONDataset):  # type: ignore[misc]
    """Plain values as JSON."""

    @where_there_are_data
    def preview(self) -> JSONPreview:
        """The values, for Kedro-Viz."""
        return super().preview()


class OptionalJsonFile(JsonFile):
    """Plain values as JSON; ``None`` before the first save."""

    def load(self) -> Any:  # noqa: ANN401 - any JSON value
        """Read the values; ``None`` if there is no file."""
        return super().load() if self._exists() else None


class TextFile(AtomicSave, TextDataset):  # type: ignore[misc]
    """Text, such as HTML."""


class HtmlPage(TextFile):
    """A page for a browser."""

    def content_hash(self, path: Path, hashes: ContentHashes) -> str:  # noqa: ARG002 - one protocol for all datasets
        """SHA-256 of the page without the facts of its run; :data:`NOTHING` if there is no page."""
        from mining_the_mines.reporting.page import without_run_facts

        if not path.is_file():
            return NOTHING
        return hash_bytes(without_run_facts(path.read_text(encoding="utf-8")).encode())
