"""The manifest: one row a chip, with the content of its file and whether it can be used."""

import logging
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import pandas as pd

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.near_duplicates import cluster_near_duplicates, image_hash
from mining_the_mines.chips.quality import ACCEPTED, REJECTED, ChipSettings, count_faults, find_fault, nodata_share
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import hash_bytes, hash_file
from mining_the_mines.core.prefetching import map_ahead
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.rasters.reader import MissingBandError
from mining_the_mines.sentinel2.baseline import offset_left_in

logger = logging.getLogger(__name__)

#: Columns of a manifest and their types; bounds and coordinates are degrees of WGS 84.
COLUMNS: Final = {
    "filename": "str",
    "sha256": "str",
    "width": "Int64",
    "height": "Int64",
    "bands": "str",
    "dtype": "str",
    "crs": "str",
    "left": "float64",
    "bottom": "float64",
    "right": "float64",
    "top": "float64",
    "longitude": "float64",
    "latitude": "float64",
    "label": "Int64",
    "category": "str",
    "group": "str",
    "nodata_share": "float64",
    "image_hash": "str",
    "near_duplicate": "Int64",
    "offset_left_in": "boolean",
    "verdict": "str",
    "reason": "str",
}
_LABELS: Final = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}

#: Some columns of a manifest, with ``fault``, the reason for rejection or ``None``.
_Row = dict[str, Any]


def take_inventory(folder: ChipFolder, settings: ChipSettings, progress: Progress = silent) -> pd.DataFrame:
    """Read every chip once and judge it.

    Nothing is dropped: a chip that can't be used, a label without file and a file without label each have a row with
    the verdict ``rejected`` and the reason. Near duplicates are kept, with the number of their cluster, so that folds
    can keep them together.

    Args:
        folder: The chips and, if there are any, their labels.
        settings: Bands to read and requirements for a chip.
        progress: Shows the progress.

    Returns:
        The manifest with the columns :data:`COLUMNS`, a row for each label and each file without label, by file name.

    Raises:
        BadInputError: The folder does not exist or holds no chip.
    """
    names = folder.filenames
    paths = progress([folder.path(name) for name in names], "Reading chips")
    found = dict(zip(names, map_ahead(partial(_read, settings=settings), paths, settings.workers), strict=True))
    _reject_odd_sizes(found, settings.size)
    rows = [_join(entry, found.get(entry["filename"], {})) for entry in _entries(folder)]
    manifest = pd.DataFrame(rows, columns=[*COLUMNS, "pixels"])
    manifest = manifest.sort_values("filename", kind="stable", ignore_index=True)
    _reject_identical(manifest)
    manifest["near_duplicate"] = _near_duplicates(manifest, settings.near_duplicate_bits)
    manifest["verdict"] = np.where(manifest["reason"].isna(), ACCEPTED, REJECTED)
    manifest = manifest[list(COLUMNS)].astype(COLUMNS)
    _report(manifest)
    return manifest


def _read(path: Path, settings: ChipSettings) -> _Row:
    """Read a chip: the columns that its file decides, a hash of its pixels, and its fault."""
    try:
        facts: _Row = {"sha256": hash_file(path)}
    except OSError as error:
        return {"fault": f"unreadable: {path} can't be opened ({error.strerror})"}
    try:
        chip = settings.read(path)
    except MissingBandError as error:
        return facts | {"fault": f"missing band: {error}"}
    except BadInputError as error:
        return facts | {"fault": f"unreadable: {error}"}
    fault = find_fault(chip, settings)
    bounds = chip.wgs84_bounds or (math.nan,) * 4
    return facts | {
        "pixels": hash_bytes(chip.reflectance.tobytes()),
        "width": chip.width,
        "height": chip.height,
        "bands": ",".join(chip.bands),
        "dtype": chip.dtype,
        "crs": None if chip.grid is None else chip.grid.crs.to_string(),
        **dict(zip(("left", "bottom", "right", "top"), bounds, strict=True)),
        "nodata_share": nodata_share(chip),
        "image_hash": None if fault else image_hash(chip.reflectance, chip.bands),
        "offset_left_in": offset_left_in(chip.reflectance, chip.bands),
        "fault": fault,
    }


def _reject_odd_sizes(found: Mapping[str, _Row], size: int | None) -> None:
    good = [facts for facts in found.values() if facts["fault"] is None]
    shapes = Counter((facts["width"], facts["height"]) for facts in good)
    if not shapes:
        return
    width, height = shapes.most_common(1)[0][0] if size is None else (size, size)
    for facts in good:
        if (facts["width"], facts["height"]) != (width, height):
            facts["fault"] = (
                f"wrong size: {facts['width']} × {facts['height']} pixels where {width} × {height} are wanted"
            )


def _entries(folder: ChipFolder) -> list[_Row]:
    """One entry a label and a file without label: the columns of the label table, and the fault of the label."""
    present = set(folder.filenames)
    if folder.labels is None:
        return [_entry({"filename": name}) for name in present]
    stems = {PurePosixPath(name).stem: name for name in sorted(present, reverse=True)}
    known = stems | {name: name for name in present}
    labelled = "label" in folder.labels.columns
    rows = [{str(key): str(value) for key, value in row.items()} for row in folder.labels.fillna("").to_dict("records")]
    meanings: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        name = PurePosixPath(row["filename"].replace("\\", "/")).name
        row["filename"] = known.get(name, name)
        meanings[row["filename"]].append(row.get("label", ""))
    entries, seen = [], set()
    for row in rows:
        name = row["filename"]
        times = len(meanings[name])
        fault = None
        if not name:
            fault = "no file name: the label table has a line without one"
        elif name not in present:
            fault = f"label without file: {folder.images} holds no {name}"
        elif len(set(meanings[name])) > 1:
            fault = f"duplicate file name: the labels name it {times} times and contradict each other"
        elif name in seen:
            fault = f"duplicate file name: the labels name it {times} times; the first is kept"
        elif labelled and row["label"] not in _LABELS:
            value = f"{row['label']!r} is" if row["label"] else "it is empty,"
            fault = f"bad label: {value} neither 0 nor 1"
        seen.add(name)
        entries.append(_entry(row, fault))
    missing = "file without label: the label table does not name it"
    return entries + [_entry({"filename": name}, missing) for name in present - seen]


def _entry(row: Mapping[str, str], fault: str | None = None) -> _Row:
    return {
        "filename": row["filename"],
        "label": _LABELS.get(row.get("label", "")),
        "category": row.get("category") or None,
        "group": row.get("group") or None,
        "longitude": _degrees(row.get("longitude"), 180),
        "latitude": _degrees(row.get("latitude"), 90),
        "fault": fault,
    }


def _degrees(text: str | None, limit: float) -> float | None:
    try:
        value = float((text or "").replace(",", "."))  # spreadsheets write decimals as their country does
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= limit else None


def _join(entry: _Row, facts: _Row) -> _Row:
    """Join entry and file; without coordinates in the label table, a chip lies at the middle of its bounds."""
    row = facts | entry
    if row["longitude"] is None or row["latitude"] is None:
        row["longitude"] = (facts.get("left", math.nan) + facts.get("right", math.nan)) / 2
        row["latitude"] = (facts.get("bottom", math.nan) + facts.get("top", math.nan)) / 2
    row["reason"] = "; ".join(fault for fault in (entry["fault"], facts.get("fault")) if fault) or None
    return row


def _reject_identical(manifest: pd.DataFrame) -> None:
    usable = manifest[manifest["reason"].isna()]
    for _, same in usable.groupby("pixels", sort=False):
        if len(same) == 1:
            continue
        names = ", ".join(same["filename"].iloc[:3])
        if len(set(same["label"].fillna(-1))) > 1:
            reason = f"identical pixels: {names} are equal and their labels contradict each other"
            manifest.loc[same.index, "reason"] = reason
        else:
            reason = f"identical pixels: equal to {same['filename'].iloc[0]}, which is kept"
            manifest.loc[same.index[1:], "reason"] = reason


def _near_duplicates(manifest: pd.DataFrame, max_bits: int) -> "pd.Series[int]":
    """Number of each usable chip's cluster; missing for chips that resemble no other."""
    numbers = pd.Series(pd.NA, index=manifest.index, dtype="Int64")
    usable = manifest.index[manifest["reason"].isna()]
    hashes = list(manifest.loc[usable, "image_hash"])
    clusters = pd.Series(cluster_near_duplicates(hashes, max_bits), index=usable, dtype="Int64")
    numbers[usable] = clusters.where(clusters.duplicated(keep=False))
    return numbers


def _report(manifest: pd.DataFrame) -> None:
    accepted = int((manifest["verdict"] == ACCEPTED).sum())
    logger.info("%d of %d chips can be used.", accepted, len(manifest))
    faults = count_faults(manifest)
    if faults:
        logger.warning("Rejected: %s.", ", ".join(f"{count} {fault}" for fault, count in faults.items()))
    shifted = manifest.loc[manifest["offset_left_in"].fillna(value=False), "filename"]
    if len(shifted):
        logger.warning(
            "Nothing in %d of %d chips is darker than 0.09, such as in %s: it looks as if the 1000 that processing "
            "baseline 04.00 adds were never removed; if so, set imagery.offset to -0.1.",
            len(shifted),
            len(manifest),
            shifted.iloc[0],
        )
