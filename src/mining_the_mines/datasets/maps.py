"""Maps of scenes as the catalog sees them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset, DatasetError

from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.datasets.progress import counting_bar

if TYPE_CHECKING:
    from mining_the_mines.mapping.named_areas import NamedAreas
    from mining_the_mines.mapping.requests import MapRequest
    from mining_the_mines.mapping.scene_map import SceneMaps


class SceneMapsDataset(FolderDataset["MapRequest", "SceneMaps"]):
    """A map a scene; what is there already, made from the same scene, model and settings, is not made again.

    Args:
        filepath: Folder of the maps, each in one of its own.
        composites: Folder for composites that single scenes of STAC archives are mapped from.
        metadata: For other tools; Kedro-Viz reads its layer here.
    """

    def __init__(self, *, filepath: str, composites: str, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(filepath=filepath, metadata=metadata)
        self.composites = Path(composites)

    def load(self) -> "SceneMaps":
        """Open the maps of the last run; polygons are read when they are asked for."""
        from mining_the_mines.mapping.scene_map import open_maps

        return open_maps(self.load_folder)

    def save(self, data: "MapRequest") -> None:
        """Make the maps, band by band."""
        data.make(self.save_folder, self.composites, counting_bar)


class NamedAreasDataset(AbstractDataset[None, "NamedAreas | None"]):
    """Areas with a name, such as concessions, as somebody handed them over; read only.

    Args:
        filepath: Any file that OGR can read; ``None`` if nobody named one.
        beside: The file that is taken then, if it is there.
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
        self._named = None if filepath is None else Path(filepath)
        self._beside = None if beside is None else Path(beside)
        self.name_column = name_column
        self.metadata = metadata

    @property
    def _filepath(self) -> Path | None:
        if self._named is not None or self._beside is None:
            return self._named
        return self._beside if self._beside.exists() else None

    def load(self) -> "NamedAreas | None":
        """Read the areas, if there are any.

        Raises:
            BadInputError: The file is missing, can't be read, or has no such column.
        """
        from mining_the_mines.mapping.named_areas import read_named_areas

        return None if self._filepath is None else read_named_areas(self._filepath, self.name_column)

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: areas that were handed over stay as they are."""
        raise DatasetError(f"{self._filepath} is read only: areas that were handed over stay as they are.")

    def _exists(self) -> bool:
        return self._filepath is None or self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "name_column": self.name_column}
