"""What Kedro-Viz shows of a dataset: little, at once, and nothing where there are no data.

Kedro-Viz calls a dataset's method ``preview`` and learns from the name of its annotation how to draw what comes back
(https://docs.kedro.org/projects/kedro-viz, "Preview datasets"), so an annotation must be one of the five types below.
"""

import json
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
PlotlyPreview = NewType("PlotlyPreview", dict[str, Any])
JSONPreview = NewType("JSONPreview", str)
HTMLPreview = NewType("HTMLPreview", str)

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
    """There are data, and nothing in them that could be shown."""


def where_there_are_data(
    preview: Callable[Concatenate[_AnyDataset, _Options], _Preview],
) -> Callable[Concatenate[_AnyDataset, _Options], _Preview]:
    """Make a preview ``None`` where there is nothing to show, such as before the first run.

    Kedro-Viz takes that for no preview; of an error, it would warn. The annotation stays as it is, for Kedro-Viz knows
    no optional types.
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
    """Show the first rows and columns of a table, in figures that people can read.

    Args:
        table: Of any size; an index with a name becomes a column.
        rows: How many.

    Returns:
        Columns and rows of texts; what is missing is empty.
    """
    shown = table.head(rows)
    if shown.index.name is not None:
        shown = shown.reset_index()
    shown = shown.iloc[:, :_COLUMNS]
    cells = [[_cell(value) for value in row] for row in shown.itertuples(index=False, name=None)]
    return TablePreview({"index": list(range(len(cells))), "columns": [str(name) for name in shown], "data": cells})


def vector_preview(path: Path | None) -> TablePreview:
    """Show what a file of polygons says of the first of them.

    Args:
        path: Any file that OGR can read; ``None`` if nobody named one.

    Returns:
        Attributes without geometry.

    Raises:
        NothingToShowError: There is no file, or it says nothing but where.
    """
    if path is None:
        raise NothingToShowError
    import pyogrio

    layer = pyogrio.list_layers(path)[0, 0]
    table = pyogrio.read_dataframe(path, layer=layer, read_geometry=False, max_features=ROWS)
    if table.columns.empty:
        raise NothingToShowError
    return table_preview(table)


def json_preview(value: Any) -> JSONPreview:  # noqa: ANN401 - whatever a JSON file holds
    """Show plain values; browsers know no NaN, so they see null."""
    return JSONPreview(json.dumps(json.loads(json.dumps(value), parse_constant=lambda _: None)))


def markdown_preview(text: str) -> HTMLPreview:
    """Show a text with its headings and tables; HTML in it stays text."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    return HTMLPreview(reader.render(text))


def _shortened(value: Any) -> Any:  # noqa: ANN401 - whatever a JSON file holds
    """The same with long lists cut short: a baseline has hundreds of features."""
    if isinstance(value, dict):
        return {name: _shortened(of) for name, of in value.items()}
    if isinstance(value, list):
        more = len(value) - _ENTRIES
        return [_shortened(of) for of in value[:_ENTRIES]] + ([f"and {more} more"] if more > 0 else [])
    return value


def _cell(value: object) -> str:
    if value is None or value is pd.NA or value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _CHARACTERS else text[: _CHARACTERS - 1] + "…"
