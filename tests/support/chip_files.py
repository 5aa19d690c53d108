"""Small chips and folders of chips, written as real files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import rasterio
from rasterio.transform import from_origin

from mining_the_mines.chips.packing import PackedChips, pack_in_memory

BANDS = ("B2", "B3", "B4", "B8", "B11", "B12")
SIZE = 16


def ground(seed: int, bands: int = len(BANDS), size: int = SIZE) -> npt.NDArray[np.float32]:
    """Plausible reflectance (bands, size, size), different for every seed."""
    return np.random.default_rng(seed).uniform(0.02, 0.5, (bands, size, size)).astype(np.float32)


def write_chip(
    path: Path,
    pixels: npt.NDArray[Any],
    bands: Sequence[str | None] = BANDS,
    *,
    scaled: bool = True,
    georeferenced: bool = False,
    **profile: Any,
) -> Path:
    """Write a chip; reflectance becomes uint16 × 10000 unless ``scaled`` is false."""
    values = np.round(np.nan_to_num(pixels) * 10_000).astype(np.uint16) if scaled else pixels
    count, height, width = values.shape
    if georeferenced:
        profile = {"crs": "EPSG:32721", "transform": from_origin(500_000, 9_400_000, 10, 10)} | profile
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype=values.dtype, **profile
    ) as file:
        file.write(values)
        for index, band in enumerate(bands, start=1):
            if band is not None:
                file.set_band_description(index, band)
    return path


def write_folder(folder: Path, names: Sequence[str]) -> Path:
    """Write one good chip a name, all different."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        write_chip(folder / name, ground(seed))
    return folder


def label_table(rows: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """A label table as it is read: all text."""
    return pd.DataFrame(list(rows), dtype="str")


def labels_for(names: Sequence[str]) -> pd.DataFrame:
    """Give the chips the labels 0 and 1 in turn."""
    return label_table([{"filename": name, "label": str(number % 2)} for number, name in enumerate(names)])


def packed_chips(count: int = 6, bands: Sequence[str] = BANDS, size: int = SIZE) -> PackedChips:
    """Chips ``chip_0.tif`` … packed in memory."""
    chips = [ground(seed, len(bands), size) for seed in range(count)]
    return pack_in_memory(chips, [f"chip_{number}.tif" for number in range(count)], bands)


def training_folds(packed: PackedChips, folds: int = 3) -> pd.DataFrame:
    """Chips in folds in turn, all for training."""
    number = np.arange(len(packed))
    return pd.DataFrame({"filename": packed.filenames, "split": "train", "fold": number % folds})
