"""The manifest: one row per chip, with the content of its file and whether it can be used."""

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.label_table import read_entries
from mining_the_mines.chips.near_duplicates import cluster_near_duplicates, image_hash
from mining_the_mines.chips.quality import ACCEPTED, REJECTED, ChipSettings, describe_rejected, judge_chip, nodata_share
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import hash_bytes, hash_file
from mining_the_mines.core.prefetching import map_ahead
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.geo.degrees import middle_longitude
from mining_the_mines.rasters.judge import gather_doubts
from mining_the_mines.rasters.reader import MissingBandError

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
    "doubts": "str",
    "verdict": "str",
    "reason": "str",
}
#: Coordinates of a label may lie so many degrees beside the chip: people round them.
_NEAR_DEGREES: Final = 0.1

#: Some columns of a manifest, with ``fault``, the reason for rejection or ``None``.
_Row = dict[str, Any]


def take_inventory(
    folder: ChipFolder, settings: ChipSettings, progress: Progress = silent, *, keep_unlisted: bool = False
) -> pd.DataFrame:
    """Read every chip once and judge it.

    Nothing is dropped: a chip that can't be used, a label without file and a file without label each have a row with
    the verdict ``rejected`` and the reason. Near duplicates are kept, with the number of their cluster, so that folds
    can keep them together.

    Args:
        folder: The chips and, if there are any, their labels.
        settings: Bands to read and requirements for a chip.
        progress: Shows the progress.
        keep_unlisted: Whether files without a label are accepted, as unlabelled chips among labelled ones.

    Returns:
        The manifest with the columns :data:`COLUMNS`, a row for each label and each file without label, by file name.

    Raises:
        BadInputError: The folder does not exist or holds no chip, or longitude and latitude are swapped in the labels.
    """
    names = folder.filenames
    paths = progress([folder.path(name) for name in names], "Reading chips")
    found = dict(zip(names, map_ahead(partial(_read, settings=settings), paths, settings.workers), strict=True))
    _reject_odd_sizes(found, settings.size)
    entries = _entries(folder, None if keep_unlisted else "file without label: the label table does not name it")
    _refuse_swapped(entries, found)
    rows = [_join(entry, found.get(entry["filename"], {})) for entry in entries]
    manifest = pd.DataFrame(rows, columns=[*COLUMNS, "pixels"])
    manifest = manifest.sort_values("filename", kind="stable", ignore_index=True)
    _reject_identical(manifest)
    manifest["near_duplicate"] = _near_duplicates(manifest, settings.near_duplicate_bits)
    manifest["verdict"] = np.where(manifest["reason"].isna(), ACCEPTED, REJECTED)
    manifest = manifest[list(COLUMNS)].astype(COLUMNS)
    _report(manifest)
    for doubt in gather_doubts({name: facts.get("doubted", ()) for name, facts in found.items()}, "chips"):
        logger.warning("%s", doubt)
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
    verdict = judge_chip(chip, settings)
    fault = verdict.fault
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
        "doubts": " ".join(verdict.doubts) or None,
        "doubted": verdict.doubts,
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


def _entries(folder: ChipFolder, unlisted: str | None) -> list[_Row]:
    """One entry per label and per file without label: the columns of the label table, and the fault of the label."""
    present = set(folder.filenames)
    if folder.labels is None:
        return [_unlisted(name, None) for name in present]
    entries = read_entries(folder.labels, present, folder.images)
    missing = present - {entry["filename"] for entry in entries}
    return entries + [_unlisted(name, unlisted) for name in missing]


def _unlisted(name: str, fault: str | None) -> _Row:
    return {"filename": name, "label": None, "longitude": None, "latitude": None, "fault": fault}


def _join(entry: _Row, facts: _Row) -> _Row:
    """Join entry and file; without coordinates in the label table, a chip lies at the middle of its bounds."""
    row = facts | entry
    faults = [entry["fault"], facts.get("fault"), _misplaced(entry, facts)]
    if row["longitude"] is None or row["latitude"] is None:
        row["longitude"] = middle_longitude(facts.get("left", math.nan), facts.get("right", math.nan))
        row["latitude"] = (facts.get("bottom", math.nan) + facts.get("top", math.nan)) / 2
    row["reason"] = "; ".join(fault for fault in faults if fault) or None
    return row


def _misplaced(entry: _Row, facts: _Row) -> str | None:
    """The fault of a label whose coordinates are not those of the chip's pixels."""
    longitude, latitude = entry["longitude"], entry["latitude"]
    if longitude is None or latitude is None or not _has_place(facts) or _lies_on(facts, longitude, latitude):
        return None
    own = middle_longitude(facts["left"], facts["right"]), (facts["bottom"] + facts["top"]) / 2
    return (
        f"other place: line {entry['line']} says longitude {longitude:g} and latitude {latitude:g}, but the file's "
        f"own coordinates say {own[0]:.4f} and {own[1]:.4f}"
    )


def _refuse_swapped(entries: Sequence[_Row], found: Mapping[str, _Row]) -> None:
    """Refuse a table whose coordinates fit the chips only the other way round."""
    told = [entry for entry in entries if entry["longitude"] is not None and entry["latitude"] is not None]
    placed = [entry for entry in told if _has_place(found.get(entry["filename"], {}))]
    swapped = [
        entry
        for entry in placed
        if _misplaced(entry, found[entry["filename"]])
        and _lies_on(found[entry["filename"]], entry["latitude"], entry["longitude"])
    ]
    if swapped and 2 * len(swapped) > len(placed):
        name = swapped[0]["filename"]
        raise BadInputError(
            f"Longitude and latitude are swapped in the label table ({len(swapped)} of {len(placed)} chips): for "
            f"{name}, {str(_misplaced(swapped[0], found[name])).partition(': ')[2]}. Swap the names of the two columns."
        )


def _has_place(facts: _Row) -> bool:
    return math.isfinite(facts.get("left", math.nan))


def _lies_on(facts: _Row, longitude: float, latitude: float) -> bool:
    """Whether a place lies on a chip or near it."""
    width, margin = (facts["right"] - facts["left"]) % 360, _NEAR_DEGREES
    across = (longitude - facts["left"] + margin) % 360 <= width + 2 * margin
    return bool(across and facts["bottom"] - margin <= latitude <= facts["top"] + margin)


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
    usable = manifest.index[manifest["reason"].isna()]
    hashes = list(manifest.loc[usable, "image_hash"])
    clusters = pd.Series(cluster_near_duplicates(hashes, max_bits), index=usable, dtype="Int64")
    return clusters.where(clusters.duplicated(keep=False)).reindex(manifest.index)


def _report(manifest: pd.DataFrame) -> None:
    accepted = int((manifest["verdict"] == ACCEPTED).sum())
    logger.info("%d of %d chips can be used.", accepted, len(manifest))
    told = describe_rejected(manifest)
    if told:
        logger.warning("Rejected: %s.", told)
