"""Previews of datasets in Kedro-Viz: tables, and one picture of a chip, a composite and a map.

Kedro-Viz calls a dataset's method ``preview`` and tells from the name of its return annotation how to draw the result
(https://docs.kedro.org/projects/kedro-viz, "Preview datasets"), so the annotation must be one of the types below.
"""

from base64 import b64encode
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final, NewType, ParamSpec, Protocol, TypeVar, cast

import pandas as pd

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TablePreview = NewType("TablePreview", dict[str, Any])
ImagePreview = NewType("ImagePreview", str)

#: Rows and columns of a table that are shown, and characters of a cell.
ROWS: Final = 8
_COLUMNS: Final = 12
_CHARACTERS: Final = 40
#: Entries of a list.
_ENTRIES: Final = 12
#: Kedro-Viz stretches pictures to a panel of 456 × 300 pixels.
_PANEL: Final = (912, 600)
_CAPTION: Final = 32
_PAPER: Final = (255, 255, 255)
_INK: Final = (27, 31, 36)


class _Dataset(Protocol):
    def exists(self) -> bool: ...


_AnyDataset = TypeVar("_AnyDataset", bound=_Dataset)
_Options = ParamSpec("_Options")
_Preview = TypeVar("_Preview")


class NothingToShowError(Exception):
    """The data hold nothing to show."""


def where_there_are_data(
    preview: Callable[Concatenate[_AnyDataset, _Options], _Preview],
) -> Callable[Concatenate[_AnyDataset, _Options], _Preview]:
    """Return ``None`` from a preview without data, such as before the first run.

    Kedro-Viz shows no preview then; it would warn of an error. The annotation is kept, since Kedro-Viz knows no
    optional types.
    """

    @wraps(preview)
    def cautious(dataset: _AnyDataset, /, *args: _Options.args, **options: _Options.kwargs) -> _Preview:
        try:
            return preview(dataset, *args, **options) if dataset.exists() else cast("_Preview", None)
        except NothingToShowError:
            return cast("_Preview", None)

    return cautious


def picture_preview(pixels: "NDArray[np.uint8]", caption: str = "") -> ImagePreview:
    """Encode a picture as a PNG in base64.

    Args:
        pixels: uint8 (H, W, 3); small pictures are enlarged without smoothing.
        caption: Line below it.
    """
    import io

    from PIL import Image, ImageDraw, ImageFont

    from mining_the_mines.reporting.pictures import enlarge

    width, height = _PANEL
    picture = Image.fromarray(enlarge(pixels, height - _CAPTION))
    sheet = Image.new("RGB", _PANEL, _PAPER)
    sheet.paste(picture, ((width - picture.width) // 2, 0))
    font = ImageFont.load_default(_CAPTION - 8)
    # PIL's default font lacks the narrow space.
    text = caption.replace("\N{NARROW NO-BREAK SPACE}", " ")
    ImageDraw.Draw(sheet).text((width // 2, height - _CAPTION // 2), text, fill=_INK, font=font, anchor="mm")
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return ImagePreview(b64encode(buffer.getvalue()).decode("ascii"))


def table_preview(table: pd.DataFrame, rows: int = ROWS) -> TablePreview:
    """Show the first rows and columns of a table, formatted.

    Args:
        table: Of any size; an index with a name becomes a column.
        rows: Number of rows.

    Returns:
        Columns and rows of texts; missing values are empty.
    """
    shown = table.head(rows)
    if shown.index.name is not None:
        shown = shown.reset_index()
    shown = shown.iloc[:, :_COLUMNS]
    cells = [[_cell(value) for value in row] for row in shown.itertuples(index=False, name=None)]
    return TablePreview({"index": list(range(len(cells))), "columns": [str(name) for name in shown], "data": cells})


def vector_preview(path: Path | None) -> TablePreview:
    """Show the attributes of the first polygons of a file.

    Args:
        path: Any file that OGR can read; ``None`` if none was named.

    Returns:
        Attributes without geometry.

    Raises:
        NothingToShowError: There is no file, or it has no attributes.
    """
    if path is None:
        raise NothingToShowError
    from mining_the_mines.core.text_tables import read_table
    from mining_the_mines.geo.vector_files import read_layers

    if path.suffix.lower() in {".csv", ".tsv", ".txt"}:
        return table_preview(read_table(path, "table", "a line of names").head(ROWS), ROWS)
    table = read_layers(path, "shapes", ROWS)[0].attributes.head(ROWS)
    if table.columns.empty:
        raise NothingToShowError
    return table_preview(table)


def _cell(value: object) -> str:
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _CHARACTERS else text[: _CHARACTERS - 1] + "…"
