"""Rows of a label table as they are understood: which chip is meant, whether it shows a mine, and where it lies."""

import logging
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pandas as pd

from mining_the_mines.geo.degrees import read_degrees

logger = logging.getLogger(__name__)

#: Words for mine and no mine: English, Portuguese, Spanish, French, Italian, German, Indonesian and Russian.
YES: Final = frozenset(
    {"yes", "y", "true", "t", "mine", "positive", "sim", "s", "verdadeiro", "v", "sí", "si", "verdadero", "oui", "vrai",
     "vero", "ja", "j", "wahr", "ya", "benar", "да", "истина"}
)  # fmt: skip
NO: Final = frozenset(
    {"no", "n", "false", "f", "no mine", "not a mine", "negative", "não", "nao", "falso", "non", "faux", "nein", "nee",
     "falsch", "tidak", "salah", "нет", "ложь"}
)  # fmt: skip
_IMAGES: Final = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2", ".npy")


def read_label(text: str) -> int | None:
    """Read a label: 1 for a mine and 0 for none, also as 1.0, 1,0, and yes and no in several languages.

    Args:
        text: The cell of a table.

    Returns:
        1 or 0; ``None`` for anything else.
    """
    word = unicodedata.normalize("NFC", text).strip().casefold()
    if word in YES or word in NO:
        return int(word in YES)
    try:
        number = float(word.replace(",", "."))
    except ValueError:
        return None
    return int(number) if number in {0, 1} else None


def read_entries(labels: pd.DataFrame, present: Collection[str], images: Path) -> list[dict[str, Any]]:
    """Understand the rows of a label table.

    File names are matched exactly, else without regard to case, else without their suffix, if that is unambiguous.

    Args:
        labels: Table from :func:`mining_the_mines.chips.folder.read_labels`, indexed by its lines.
        present: Names of the files in the folder.
        images: The folder, for messages.

    Returns:
        For each row ``filename``, ``label``, ``category``, ``group``, ``longitude`` and ``latitude`` (degrees of
        WGS 84), ``line``, and ``fault``, the reason why the row can't be used, or ``None``.
    """
    rows = [
        {str(key): str(value) for key, value in row.items()} | {"line": str(line)}
        for line, row in zip(labels.index, labels.fillna("").to_dict("records"), strict=True)
    ]
    matched = _match_names([_base_name(row["filename"]) for row in rows], present)
    meanings: dict[str, set[int | None]] = defaultdict(set)
    times: dict[str, int] = defaultdict(int)
    for row in rows:
        row["filename"] = matched[_base_name(row["filename"])]
        meanings[row["filename"]].add(read_label(row.get("label", "")))
        times[row["filename"]] += 1
    entries, seen = [], set()
    for row in rows:
        name = row["filename"]
        fault = None
        if not name:
            fault = f"no file name: line {row['line']} of the label table names none"
        elif name not in present:
            fault = _no_file(name, present, images)
        elif len(meanings[name]) > 1:
            fault = f"duplicate file name: the labels name it {times[name]} times and contradict each other"
        elif name in seen:
            fault = f"duplicate file name: the labels name it {times[name]} times; the first is kept"
        elif "label" in row and read_label(row["label"]) is None:
            said = f"says {row['label']!r}" if row["label"] else "is empty"
            fault = f"bad label: line {row['line']} {said}; a label is 0 or 1, no or yes, or false or true"
        seen.add(name)
        entries.append(_entry(row, fault))
    return entries


def _entry(row: Mapping[str, str], fault: str | None) -> dict[str, Any]:
    degrees: dict[str, float | None] = {}
    for axis in ("longitude", "latitude"):
        try:
            degrees[axis] = read_degrees(row.get(axis, ""), axis)
        except ValueError as error:
            degrees[axis] = None
            fault = fault or f"bad coordinates: line {row['line']} has the {axis} {row[axis]!r}, {error}"
    return {
        "filename": row["filename"],
        "label": read_label(row.get("label", "")),
        "category": row.get("category") or None,
        "group": row.get("group") or None,
        **degrees,
        "line": row["line"],
        "fault": fault,
    }


def _base_name(filename: str) -> str:
    return PurePosixPath(filename.replace("\\", "/")).name


def _no_file(name: str, present: Collection[str], images: Path) -> str:
    alike = sorted(each for each in present if _plain(_stem(each)) == _plain(_stem(name)))
    if alike:
        return f"ambiguous file name: {name} can be {' or '.join(alike)}"
    return f"label without file: {images} holds no {name}"


def _match_names(names: Collection[str], present: Collection[str]) -> dict[str, str]:
    """The file that each name means, else the name itself."""
    matched = {name: name for name in names}
    left = {name for name in names if name and name not in present}
    for key, how in ((_plain, "without regard to case"), (_stem, "without suffix"), (_plain_stem, "without suffix")):
        files: dict[str, list[str]] = defaultdict(list)
        for file in present:
            files[key(file)].append(file)
        found = {name: files[key(name)][0] for name in sorted(left) if len(files.get(key(name), ())) == 1}
        matched |= found
        left -= set(found)
        if found:
            name, file = next(iter(found.items()))
            logger.info("%d file names of the labels are matched %s, such as %s to %s.", len(found), how, name, file)
    return matched


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in _IMAGES else name


def _plain_stem(name: str) -> str:
    return _plain(_stem(name))
