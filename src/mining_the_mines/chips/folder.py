"""A folder of chips, and the table of labels that says which of them show a mine."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.text_tables import read_table

#: Columns of a label table. All are text, so that nothing a person wrote is lost before the inventory has judged it.
COLUMNS: Final = ("filename", "label", "category", "longitude", "latitude", "group")
_SUFFIXES: Final = (".tif", ".tiff")


@dataclass(frozen=True)
class ChipFolder:
    """Chips in a folder, with their labels if there are any; no pixel is read yet.

    Attributes:
        images: Folder of GeoTIFFs (``.tif`` or ``.tiff`` in any case); sub-folders are not searched.
        labels: Table from :func:`read_labels`, or ``None`` for unlabelled chips.
        may_be_empty: Whether the folder may hold no chip; otherwise an empty folder is taken for the wrong one.
    """

    images: Path
    labels: pd.DataFrame | None = field(default=None, compare=False)
    may_be_empty: bool = False

    @cached_property
    def filenames(self) -> tuple[str, ...]:
        """Names of the chips' files in alphabetical order.

        Raises:
            BadInputError: The folder does not exist, or holds no GeoTIFF and may not be empty.
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
        """Return the path of a chip's file, which need not exist."""
        return self.images / filename


class LabelFormat(BaseModel):
    """Layout of a label table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filename_column: str = Field("filename", description="Column with the name of the chip's file.")
    label_column: str | None = Field(
        "label", description="Column with 1 for a mine and 0 for none; null for a table without labels."
    )
    category_column: str | None = Field("category", description="Column with the kind of place; optional in the file.")
    longitude_column: str | None = Field("longitude", description="Column with degrees east; optional in the file.")
    latitude_column: str | None = Field("latitude", description="Column with degrees north; optional in the file.")
    group_column: str | None = Field(
        "group", description="Column with the place; chips of a place are never split up. Optional in the file."
    )
    header: bool = Field(
        True, description="Whether the first line names the columns; if not, they are file name and label."
    )


def read_labels(path: Path, layout: LabelFormat | None = None) -> pd.DataFrame:
    """Read a label table that a person or a spreadsheet wrote.

    Values stay text: the inventory judges them, and lists what it rejects.

    Args:
        path: A CSV file; see :func:`mining_the_mines.core.text_tables.read_table`.
        layout: Names of the columns; by default their plain English names.

    Returns:
        Table of text with the columns ``filename`` and (unless the layout has none) ``label``, and those of
        ``category``, ``longitude``, ``latitude`` and ``group`` that the file has; empty fields are empty text. The
        index is the number of the line.

    Raises:
        BadInputError: The file is missing, is no text, is empty, or lacks the column of file names or labels.
    """
    layout = layout or LabelFormat()
    named = [layout.filename_column, layout.label_column or "label"]
    wanted = [name for column in COLUMNS if (name := getattr(layout, f"{column}_column")) is not None]
    needs = "one line per chip, with its file name and its label"
    table = read_table(path, "label table", needs, wanted, None if layout.header else named)
    if table.empty:
        raise BadInputError(f"{path} lists no chip: it needs {needs}.")
    found = _wanted_columns(path, layout, list(table.columns))
    return table[list(found)].set_axis(list(found.values()), axis="columns")


def _wanted_columns(path: Path, layout: LabelFormat, names: list[str]) -> dict[str, str]:
    """The wanted columns of a table, by the names that it has for them."""
    known = {name.casefold(): name for name in reversed(names)}
    wanted: dict[str, str] = {}
    for column in COLUMNS:
        name = getattr(layout, f"{column}_column")
        found = None if name is None else known.get(name.casefold())
        if found is not None:
            wanted[found] = column
        elif name is not None and column in {"filename", "label"}:
            raise BadInputError(
                f"{path} has no column {name!r}; its columns are {', '.join(names)}: "
                "rename one, or name the right one in the parameters."
            )
    return wanted
