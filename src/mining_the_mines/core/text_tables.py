"""Text tables that a person or a spreadsheet wrote."""

import csv
import io
from pathlib import Path
from typing import Final

from mining_the_mines.core.errors import BadInputError

_SEPARATORS: Final = (",", ";", "\t", "|")


def read_rows(path: Path, kind: str, needs: str) -> list[list[str]]:
    """Read the lines of a table as text.

    Commas, semicolons, tabs and bars separate; a byte order mark, Windows line ends, blank lines and spaces around the
    values are accepted.

    Args:
        path: A CSV file in UTF-8.
        kind: Kind of table for messages, such as ``label table``.
        needs: Expected content, for messages.

    Returns:
        The values of each line that has any, the first line included.

    Raises:
        BadInputError: The file is missing, can't be read, is no text, or is empty.
    """
    text = _text(path, kind)
    first = next((line for line in text.splitlines() if line.strip()), None)
    if first is None:
        raise BadInputError(f"{path} is empty: it needs {needs}.")
    separator = max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows = [[value.strip() for value in row] for row in reader]
    return [row for row in rows if any(row)]


def _text(path: Path, kind: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadInputError(f"There is no {kind} {path}: check the path.") from None
    except UnicodeDecodeError:
        raise BadInputError(f"{path} is no text in UTF-8: save the table as CSV in UTF-8.") from None
    except OSError as error:
        raise BadInputError(f"{path} can't be read ({error.strerror}): check the path and its permissions.") from error
