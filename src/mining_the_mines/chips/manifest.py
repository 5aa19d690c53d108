"""The manifest: one row a chip, with what is in it and whether it can be used."""

import hashlib
import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
import pandas as pd

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.near_duplicates import cluster_near_duplicates, image_hash
from mining_the_mines.chips.quality import ACCEPTED, REJECTED, ChipSettings, count_faults, find_fault, nodata_share
from mining_the_mines.core.errors import BadInputError
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


@dataclass(frozen=True)
class _Facts:
    """What one file holds."""

    sha256: str | None = None
    pixels: str | None = None
    width: int | None = None
    height: int | None = None
    bands: str | None = None
    dtype: str | None = None
    crs: str | None = None
    bounds: tuple[float, float, float, float] | None = None
    nodata_share: float | None = None
    image_hash: str | None = None
    offset_left_in: bool | None = None
    fault: str | None = None


@dataclass(frozen=True)
class _Entry:
    """What is known of one chip before its file is read."""

    filename: str
    label: int | None = None
    category: str | None = None
    group: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    fault: str | None = None


def take_inventory(folder: ChipFolder, settings: ChipSettings, progress: Progress = silent) -> pd.DataFrame:
    """Read every chip once and judge it.

    Nothing is dropped: a chip that can't be used, a label without file and a file without label each have a row with
    the verdict ``rejected`` and the reason. Near duplicates are kept, with the number of their cluster, so that folds
    can keep them together.

    Args:
        folder: The chips and, if there are, their labels.
        settings: Bands to read and what is asked of a chip.
        progress: Shows how far it has come.

    Returns:
        The manifest with the columns :data:`COLUMNS`, a row for each label and each file without label, by file name.

    Raises:
        BadInputError: If the folder does not exist or holds no chip.
    """
    names = folder.filenames
    look = partial(_look_at, settings=settings)
    paths = [folder.path(name) for name in names]
    found = dict(zip(names, map_ahead(look, progress(paths, "Reading chips"), settings.workers), strict=True))
    found = _reject_odd_sizes(found, settings.size)
    entries = sorted(_entries(folder), key=lambda entry: entry.filename)
    manifest = pd.DataFrame([_row(entry, found.get(entry.filename, _Facts())) for entry in entries])
    manifest["pixels"] = [found.get(entry.filename, _Facts()).pixels for entry in entries]
    manifest = _reject_identical(manifest).drop(columns="pixels")
    manifest["near_duplicate"] = _near_duplicates(manifest, settings.near_duplicate_bits)
    manifest["verdict"] = np.where(manifest["reason"].isna(), ACCEPTED, REJECTED)
    manifest = manifest[list(COLUMNS)].astype(COLUMNS)
    _report(manifest)
    return manifest


def _look_at(path: Path, settings: ChipSettings) -> _Facts:
    sha256 = None
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        chip = settings.read(path)
    except MissingBandError as error:
        return _Facts(sha256=sha256, fault=f"missing band: {error}")
    except BadInputError as error:
        return _Facts(sha256=sha256, fault=f"unreadable: {error}")
    except OSError as error:
        return _Facts(fault=f"unreadable: {path} can't be opened ({error.strerror})")
    fault = find_fault(chip, settings)
    return _Facts(
        sha256=sha256,
        pixels=hashlib.sha256(chip.reflectance.data).hexdigest(),
        width=chip.width,
        height=chip.height,
        bands=",".join(chip.bands),
        dtype=chip.dtype,
        crs=None if chip.grid is None else chip.grid.crs.to_string(),
        bounds=chip.wgs84_bounds,
        nodata_share=nodata_share(chip),
        image_hash=None if fault else image_hash(chip.reflectance, chip.bands),
        offset_left_in=offset_left_in(chip.reflectance, chip.bands),
        fault=fault,
    )


def _reject_odd_sizes(found: Mapping[str, _Facts], size: int | None) -> dict[str, _Facts]:
    shapes = Counter((facts.width, facts.height) for facts in found.values() if facts.fault is None)
    if not shapes:
        return dict(found)
    width, height = shapes.most_common(1)[0][0] if size is None else (size, size)
    return {
        name: _Facts(
            **{
                **vars(facts),
                "fault": f"wrong size: {facts.width} × {facts.height} pixels where {width} × {height} are wanted",
            }
        )
        if facts.fault is None and (facts.width, facts.height) != (width, height)
        else facts
        for name, facts in found.items()
    }


def _entries(folder: ChipFolder) -> list[_Entry]:
    present = set(folder.filenames)
    if folder.labels is None:
        return [_Entry(name) for name in present]
    known = {PurePosixPath(name).stem: name for name in sorted(present, reverse=True)} | {
        name: name for name in present
    }
    labelled = "label" in folder.labels.columns
    rows = [{str(key): str(value) for key, value in row.items()} for row in folder.labels.fillna("").to_dict("records")]
    for row in rows:
        name = PurePosixPath(row["filename"].replace("\\", "/")).name
        row["filename"] = known.get(name, name)
    uses = Counter(row["filename"] for row in rows)
    meanings: dict[str, set[str]] = {}
    for row in rows:
        meanings.setdefault(row["filename"], set()).add(row.get("label", ""))
    seen: set[str] = set()
    entries = []
    for row in rows:
        name = row["filename"]
        fault = None
        if not name:
            fault = "no file name: the label table has a line without one"
        elif name not in present:
            fault = f"label without file: {folder.images} holds no {name}"
        elif len(meanings[name]) > 1:
            fault = f"duplicate file name: the labels name it {uses[name]} times and contradict each other"
        elif name in seen:
            fault = f"duplicate file name: the labels name it {uses[name]} times; the first is kept"
        seen.add(name)
        entries.append(_entry(row, labelled=labelled, fault=fault))
    missing = "file without label: the label table does not name it"
    entries += [_Entry(name, fault=missing) for name in present - seen]
    return entries


def _entry(row: Mapping[str, str], *, labelled: bool, fault: str | None) -> _Entry:
    label = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}.get(row.get("label", ""))
    if labelled and label is None and fault is None:
        text = row.get("label", "")
        fault = f"bad label: {text!r} is neither 0 nor 1" if text else "bad label: it is empty, neither 0 nor 1"
    return _Entry(
        filename=row["filename"],
        label=label,
        category=row.get("category") or None,
        group=row.get("group") or None,
        longitude=_degrees(row.get("longitude"), 180),
        latitude=_degrees(row.get("latitude"), 90),
        fault=fault,
    )


def _degrees(text: str | None, limit: float) -> float | None:
    try:
        value = float((text or "").replace(",", "."))  # spreadsheets write decimals as their country does
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= limit else None


def _row(entry: _Entry, facts: _Facts) -> dict[str, object]:
    left, bottom, right, top = facts.bounds or (math.nan,) * 4
    given = entry.longitude is not None and entry.latitude is not None
    return {
        "filename": entry.filename,
        "sha256": facts.sha256,
        "width": facts.width,
        "height": facts.height,
        "bands": facts.bands,
        "dtype": facts.dtype,
        "crs": facts.crs,
        "left": left,
        "bottom": bottom,
        "right": right,
        "top": top,
        "longitude": entry.longitude if given else (left + right) / 2,
        "latitude": entry.latitude if given else (bottom + top) / 2,
        "label": entry.label,
        "category": entry.category,
        "group": entry.group,
        "nodata_share": facts.nodata_share,
        "image_hash": facts.image_hash,
        "offset_left_in": facts.offset_left_in,
        "reason": _join(entry.fault, facts.fault),
    }


def _join(*faults: str | None) -> str | None:
    return "; ".join(fault for fault in faults if fault) or None


def _reject_identical(manifest: pd.DataFrame) -> pd.DataFrame:
    usable = manifest[manifest["reason"].isna()]
    for _, same in usable.groupby("pixels", sort=False):
        if len(same) == 1:
            continue
        names = ", ".join(same["filename"].iloc[:3])
        if len(set(same["label"].fillna(-1))) > 1:
            manifest.loc[same.index, "reason"] = (
                f"identical pixels: {names} are equal and their labels contradict each other"
            )
        else:
            manifest.loc[same.index[1:], "reason"] = (
                f"identical pixels: equal to {same['filename'].iloc[0]}, which is kept"
            )
    return manifest


def _near_duplicates(manifest: pd.DataFrame, max_bits: int) -> pd.Series:
    numbers = pd.Series(pd.NA, index=manifest.index, dtype="Int64")
    usable = manifest.index[manifest["reason"].isna()]
    clusters = pd.Series(
        cluster_near_duplicates(list(manifest.loc[usable, "image_hash"]), max_bits), index=usable, dtype="Int64"
    )
    numbers[usable] = clusters.where(clusters.duplicated(keep=False))
    return numbers


def _report(manifest: pd.DataFrame) -> None:
    faults = count_faults(manifest)
    accepted = int((manifest["verdict"] == ACCEPTED).sum())
    logger.info("%d of %d chips can be used.", accepted, len(manifest))
    if faults:
        logger.warning("Rejected: %s.", _list(f"{count} {fault}" for fault, count in faults.items()))
    shifted = manifest.loc[manifest["offset_left_in"].fillna(value=False), "filename"]
    if len(shifted):
        logger.warning(
            "Nothing in %d of %d chips is darker than 0.09, such as in %s: it looks as if the 1000 that processing "
            "baseline 04.00 adds were never taken off; if so, set imagery.offset to -0.1.",
            len(shifted),
            len(manifest),
            shifted.iloc[0],
        )


def _list(parts: Iterable[str]) -> str:
    return ", ".join(parts)
