"""The one reader of text tables that a person or a spreadsheet wrote. Values stay text."""

import codecs
import csv
import io
import logging
import re
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from mining_the_mines.core.errors import BadInputError

logger = logging.getLogger(__name__)

#: Separators, in the order in which they are preferred: a comma may be a decimal comma.
_SEPARATORS: Final = (";", "\t", "|", ",")
#: First line that Excel reads and writes, such as ``sep=;``.
_STATED: Final = re.compile(r'"?sep=(?P<separator>[;,|\t])"?', re.IGNORECASE)
_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: "utf-8-sig",
}  # fmt: skip
#: First bytes of workbooks: those of today (ZIP), and those of Excel 97.
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def read_table(
    path: Path, kind: str, needs: str, wanted: Collection[str] = (), columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read a table as text.

    Commas, semicolons, tabs and bars separate. A line ``sep=;``, a byte order mark, UTF-16, Windows line ends, blank
    lines and spaces around the values are accepted; text that is not UTF-8 is read as Windows-1252.

    Args:
        path: A CSV file.
        kind: Kind of table for messages, such as ``label table``.
        needs: Expected content, for messages.
        wanted: Names of the columns that are read, in any case; the separator is found by them.
        columns: Names of the columns of a table without a header; else its first line names them.

    Returns:
        A table of text, empty where a line is too short. Its index is the number of the line in the file, from 1.

    Raises:
        BadInputError: The file is missing, can't be read, is no text or empty, has a wanted column twice, or a line has
            more values than there are columns.
    """
    lines = _text(path, kind).splitlines(keepends=True)
    stated = _STATED.fullmatch(lines[0].strip("\r\n ")) if lines else None
    body = lines[1:] if stated else lines
    first = next((line for line in body if line.strip()), None)
    if first is None:
        raise BadInputError(f"{path} is empty: it needs {needs}.")
    separator = stated["separator"] if stated else _separator(first, wanted)
    rows = _rows(path, body, separator, start=1 if stated else 0)
    if columns is None:
        (_, columns), *rows = rows
    for number, row in rows:
        if any(row[len(columns) :]):
            raise BadInputError(
                f"Line {number} of {path} has {len(row)} values where there are {len(columns)} columns "
                f"({separator.join(row)}): a table with decimal commas needs semicolons between its columns, and text "
                "with a separator needs quotes."
            )
    for name in wanted:
        twice = [column for column in columns if column.casefold() == name.casefold()]
        if len(twice) > 1:
            raise BadInputError(
                f"{path} has several columns {' and '.join(twice)}: rename all but the one that is meant."
            )
    width = len(columns)
    cells = [(row + [""] * width)[:width] for _, row in rows]
    return pd.DataFrame(cells, columns=list(columns), index=[number for number, _ in rows], dtype="str")


def _separator(first: str, wanted: Collection[str]) -> str:
    """The separator with which the first line names most of the wanted columns, or else has most columns."""
    names = {name.casefold() for name in wanted}

    def score(separator: str) -> tuple[int, int]:
        cells = next(csv.reader([first], delimiter=separator))
        return sum(cell.strip().casefold() in names for cell in cells), len(cells)

    return max(_SEPARATORS, key=score)


def _rows(path: Path, lines: Sequence[str], separator: str, start: int) -> list[tuple[int, list[str]]]:
    """Values of each line that has any, with the line's number in the file."""
    reader = csv.reader(io.StringIO("".join(lines), newline=""), delimiter=separator)
    found = []
    try:
        for row in reader:
            values = [unicodedata.normalize("NFC", value.strip()) for value in row]
            if any(values):
                found.append((reader.line_num + start, values))
    except csv.Error as error:
        raise BadInputError(f"Line {reader.line_num + start} of {path} can't be read ({error}).") from error
    return found


def _text(path: Path, kind: str) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise BadInputError(f"There is no {kind} {path}: check the path.") from None
    except OSError as error:
        raise BadInputError(f"{path} can't be read ({error.strerror}): check the path and its permissions.") from error
    if content.startswith(_WORKBOOKS):
        raise BadInputError(f"{path} is a workbook of a spreadsheet: save its sheet as CSV in UTF-8.")
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None) or _unmarked(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise BadInputError(f"{path} is no text in UTF-8: save the table as CSV in UTF-8.")
    if encoding == "cp1252":
        logger.warning("%s is not in UTF-8 and was read as Windows-1252: save it as UTF-8 if names look odd.", path)
    return text


def _unmarked(content: bytes) -> str:
    """The encoding of text without a byte order mark."""
    if content[1:200:2].count(0) > len(content[:200]) // 4:
        return "utf-16-le"
    if content[:200:2].count(0) > len(content[:200]) // 4:
        return "utf-16-be"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
