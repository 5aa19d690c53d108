"""Mine polygons in a vector file, as a dataset."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.previews import TablePreview, vector_preview, where_there_are_data
from mining_the_mines.geo.mine_polygons import MinePolygons, read_mine_polygons


class MinePolygonsDataset(AbstractDataset[None, MinePolygons | None]):
    """Polygons of mines in a vector file that people hand over; read only.

    They stay in memory until Kedro releases them, because several nodes load them, and reading includes repairing.

    Args:
        filepath: Any file that OGR can read; ``None`` if none is named.
        beside: File to take instead, if it exists.
        layers: Names of its layers; by default all that have geometry.
        metadata: For other tools.
    """

    def __init__(
        self,
        *,
        filepath: str | None,
        beside: str | None = None,
        layers: Sequence[str] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._named = None if filepath is None else Path(filepath)
        self._beside = None if beside is None else Path(beside)
        self.layers = None if layers is None else tuple(layers)
        self.metadata = metadata

    @property
    def _filepath(self) -> Path | None:
        if self._named is not None or self._beside is None:
            return self._named
        return self._beside if self._beside.exists() else None

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

    def load(self) -> MinePolygons | None:
        """Read, validate and repair the polygons; ``None`` if there is no file.

        Raises:
            BadInputError: The named file is missing, can't be read or holds no usable polygon.
        """
        return self._polygons

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: polygons that people hand over are never written."""
        raise DatasetError(f"{self._filepath} is read only: polygons that people hand over are never written.")

    @where_there_are_data
    def preview(self) -> TablePreview:
        """The first polygons, for Kedro-Viz."""
        return vector_preview(self._filepath)

    @cached_property
    def _polygons(self) -> MinePolygons | None:
        if self._filepath is None:
            return None
        if not self._filepath.exists():
            raise BadInputError(
                f"{self._filepath} does not exist: check where the polygons lie, or name their file with "
                "--params=polygons=FILE."
            )
        return read_mine_polygons(self._filepath, self.layers)

    def _release(self) -> None:
        self.__dict__.pop("_polygons", None)

    def _exists(self) -> bool:
        return self._filepath is None or self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "layers": self.layers}
