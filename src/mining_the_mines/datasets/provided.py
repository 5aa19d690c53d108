"""Files that people hand over: polygons, areas with a name, places of chips."""

from abc import abstractmethod
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kedro.io import AbstractDataset, DatasetError

from mining_the_mines.datasets.previews import TablePreview, vector_preview, where_there_are_data
from mining_the_mines.geo.vector_files import split_layer

if TYPE_CHECKING:
    import geopandas as gpd

    from mining_the_mines.chips.cutting_places import ChipPlaces
    from mining_the_mines.geo.mine_polygons import MinePolygons
    from mining_the_mines.geo.named_areas import NamedAreas

Content = TypeVar("Content")


class ProvidedFileDataset(AbstractDataset[None, Content | None]):
    """A file that people hand over; read only.

    Args:
        filepath: The file, or ``FILE|layername=NAME``; ``None`` if none is named.
        beside: File to take instead, if it exists.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def __init__(
        self, *, filepath: str | None, beside: str | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        self._named = None if filepath is None else Path(filepath)
        self._beside = None if beside is None else Path(beside)
        self.metadata = metadata

    @property
    def _filepath(self) -> Path | None:
        if self._named is not None:
            return split_layer(self._named)[0]
        return self._beside if self._beside is not None and self._beside.exists() else None

    @property
    def layer(self) -> str | None:
        """The named layer of the file; ``None`` if none is named."""
        return None if self._named is None else split_layer(self._named)[1]

    @property
    def _source(self) -> Path | None:
        """The file, with the name of its layer if one is named."""
        return self._named or self._filepath

    def load(self) -> Content | None:
        """Read the file; ``None`` if there is none.

        Raises:
            BadInputError: The named file is missing, or can't be used.
        """
        return None if self._source is None else self._read(self._source)

    @abstractmethod
    def _read(self, path: Path) -> Content: ...

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: the file belongs to the user."""
        raise DatasetError(f"{self._filepath} is read only: files that a user provides are never written.")

    @where_there_are_data
    def preview(self) -> TablePreview:
        """The first features, for Kedro-Viz."""
        return vector_preview(self._source)

    def _exists(self) -> bool:
        return self._filepath is None or self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._source}


class MinePolygonsDataset(ProvidedFileDataset["MinePolygons"]):
    """Polygons of mines in a vector file.

    They stay in memory until Kedro releases them, because several nodes load them, and reading includes repairing.

    Args:
        filepath: Any file that OGR can read; ``None`` if none is named.
        beside: File to take instead, if it exists.
        metadata: For other tools.
    """

    @property
    def absent(self) -> str:
        """Message for pipelines that need polygons; empty if a file is named or may exist."""
        if self._named is not None or self._beside is not None:
            return ""
        return (
            "Training needs polygons of mines, which say what a chip is called, and none are named: name a vector file "
            "with --params=polygons=FILE, or make composites and chips without labels with "
            "--pipelines=acquisition,compositing."
        )

    def load(self) -> "MinePolygons | None":
        """Read, validate and repair the polygons; ``None`` if there is no file.

        Raises:
            BadInputError: The named file is missing, can't be read or holds no usable polygon.
        """
        return self._polygons

    @cached_property
    def _polygons(self) -> "MinePolygons | None":
        return None if self._source is None else self._read(self._source)

    def _read(self, path: Path) -> "MinePolygons":
        from mining_the_mines.geo.mine_polygons import read_mine_polygons

        return read_mine_polygons(path)

    def _release(self) -> None:
        self.__dict__.pop("_polygons", None)


class DatedMinesDataset(ProvidedFileDataset["gpd.GeoDataFrame"]):
    """Known mines with the dates of their outlines; see :func:`mining_the_mines.geo.dated_mines.read_dated_mines`."""

    def _read(self, path: Path) -> "gpd.GeoDataFrame":
        from mining_the_mines.geo.dated_mines import read_dated_mines

        return read_dated_mines(path)


class NamedAreasDataset(ProvidedFileDataset["NamedAreas"]):
    """Areas with a name, such as concessions.

    Args:
        filepath: Any file that OGR can read; ``None`` if none is named.
        beside: File to take instead, if it exists; the areas then say that nobody named it.
        name_column: The column that names an area; by default the first that looks like it.
        metadata: For other tools.
    """

    def __init__(
        self,
        *,
        filepath: str | None,
        beside: str | None = None,
        name_column: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, beside=beside, metadata=metadata)
        self.name_column = name_column

    def _read(self, path: Path) -> "NamedAreas":
        from mining_the_mines.geo.named_areas import read_named_areas

        return replace(read_named_areas(path, self.name_column), named=self._named is not None)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._source, "name_column": self.name_column}


class ChipPlacesDataset(ProvidedFileDataset["ChipPlaces"]):
    """Places that chips are to be cut at: a table or vector file; ``None`` if chips are cut on a grid."""

    def _read(self, path: Path) -> "ChipPlaces":
        from mining_the_mines.chips.cutting_places import read_places

        return read_places(path)
