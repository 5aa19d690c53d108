"""Outlines of mines as the catalog sees them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from mining_the_mines.chips.outlines import Outlines, read_outlines


class OutlinesDataset(AbstractDataset[None, Outlines]):
    """Polygons of mines in a vector file, as somebody handed them over; read only.

    Args:
        filepath: Any file that OGR can read.
        layers: Names of its layers; by default all that have geometry.
        metadata: For other tools.
    """

    def __init__(
        self, *, filepath: str, layers: Sequence[str] | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        self._filepath = Path(filepath)
        self.layers = None if layers is None else tuple(layers)
        self.metadata = metadata

    def load(self) -> Outlines:
        """Read, judge and repair the polygons."""
        return read_outlines(self._filepath, self.layers)

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: outlines that were handed over stay as they are."""
        raise DatasetError(f"{self._filepath} is read only: outlines that were handed over stay as they are.")

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "layers": self.layers}
