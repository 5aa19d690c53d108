"""The table that says which chip shows a mine."""

from pathlib import Path
from typing import Final

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.text_tables import read_rows

#: Columns of a label table, all of them text, so that nothing a person wrote is lost before it has been judged.
COLUMNS: Final = ("filename", "label", "category", "longitude", "latitude", "group")


class LabelFormat(BaseModel):
    """How a label table is laid out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filename_column: str = Field("filename", description="Column with the name of the chip's file.")
    label_column: str | None = Field(
        "label", description="Column with 1 for a mine and 0 for none; null for a table without labels."
    )
    category_column: str | None = Field("category", description="Column with the kind of place, if there is one.")
    longitude_column: str | None = Field("longitude", description="Column with degrees east, if there is one.")
    latitude_column: str | None = Field("latitude", description="Column with degrees north, if there is one.")
    group_column: str | None = Field(
        "group", description="Column with the place; chips of a place are never split up. If there is one."
    )
    header: bool = Field(
        True, description="Whether the first line names the columns; if not, they are file name and label."
    )


def read_labels(path: Path, layout: LabelFormat | None = None) -> pd.DataFrame:
    """Read a label table as a person or a spreadsheet wrote it.

    Commas, semicolons, tabs and bars separate; a byte order mark, Windows line ends, blank lines and spaces around the
    values do no harm. Values stay text: judging them is the inventory's task, which lists what it rejects.

    Args:
        path: A CSV file in UTF-8.
        layout: Which columns to look for; by default their plain English names.

    Returns:
        Table of text with the columns ``filename`` and (unless the layout has none) ``label``, and those of
        ``category``, ``longitude``, ``latitude`` and ``group`` that the file has; empty fields are empty text.

    Raises:
        BadInputError: If the file is missing, is no text, is empty, or lacks the column of file names or labels.
    """
    layout = layout or LabelFormat()
    rows = read_rows(path, "label table", "one line a chip, with its file name and its label")
    if layout.header:
        names, rows = rows[0], rows[1:]
    else:
        names = [layout.filename_column, layout.label_column or "label"]
    if not rows:
        raise BadInputError(f"{path} lists no chip: it needs one line a chip, with its file name and its label.")
    wanted = _wanted_columns(path, layout, names)
    table = {
        column: [row[position] if position < len(row) else "" for row in rows] for column, position in wanted.items()
    }
    return pd.DataFrame(table, dtype="str")


def _wanted_columns(path: Path, layout: LabelFormat, names: list[str]) -> dict[str, int]:
    known = {name.lower(): position for position, name in reversed(list(enumerate(names)))}
    wanted: dict[str, int] = {}
    for column in COLUMNS:
        name = getattr(layout, f"{column}_column")
        position = None if name is None else known.get(name.lower())
        if position is not None:
            wanted[column] = position
        elif name is not None and column in {"filename", "label"}:
            raise BadInputError(
                f"{path} has no column {name!r}; its columns are {', '.join(names)}: "
                "rename one, or name the right one in the parameters."
            )
    return wanted
