"""A folder of chips, and where its files lie."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from mining_the_mines.core.errors import BadInputError

_SUFFIXES = (".tif", ".tiff")


@dataclass(frozen=True)
class ChipFolder:
    """Chips in a folder, with the table of their labels if there is one. No pixel is read until somebody asks.

    Attributes:
        images: Folder of GeoTIFFs (``.tif`` or ``.tiff`` in any case); subfolders are not searched.
        labels: Table as :func:`mining_the_mines.chips.labels.read_labels` gives it, or ``None`` for unlabelled chips.
        may_be_empty: Whether no chip at all is an answer; otherwise it is taken for the wrong folder.
    """

    images: Path
    labels: pd.DataFrame | None = field(default=None, compare=False)
    may_be_empty: bool = False

    @cached_property
    def filenames(self) -> tuple[str, ...]:
        """Names of the chips' files in alphabetical order.

        Raises:
            BadInputError: If the folder does not exist, or holds no GeoTIFF and may not be empty.
        """
        if not self.images.is_dir():
            raise BadInputError(f"There is no folder {self.images}: check where the chips lie.")
        names = sorted(
            path.name
            for path in self.images.iterdir()
            if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")
        )
        if not names and not self.may_be_empty:
            raise BadInputError(f"The folder {self.images} holds no .tif file: check where the chips lie.")
        return tuple(names)

    def path(self, filename: str) -> Path:
        """Tell where a chip lies.

        Args:
            filename: Its name in the folder.

        Returns:
            The path of the file, which need not exist.
        """
        return self.images / filename
