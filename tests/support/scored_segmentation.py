"""Small made-up masks, probability maps and measures."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mining_the_mines.scoring.segmentation import MaskPair, SegmentationMeasureSettings, measure_segmentation

HECTARE = 0.01
SIZE = 32


def mask_of(*squares: tuple[int, int, int], size: int = SIZE) -> NDArray[np.uint8]:
    """A mask with squares of mine, each given by row, column and edge."""
    mask = np.zeros((size, size), np.uint8)
    for row, column, edge in squares:
        mask[row : row + edge, column : column + edge] = 1
    return mask


def sure_map(*squares: tuple[int, int, int], size: int = SIZE) -> NDArray[np.float32]:
    """A map that is sure of such squares: 0.9 within, 0.1 without."""
    return np.where(mask_of(*squares, size=size) == 1, 0.9, 0.1).astype(np.float32)


def make_pairs(chips: int, seed: int = 0, skill: float = 1.5) -> list[MaskPair]:
    """Chips of which every third has no mine, and maps of some skill in half precision."""
    rng = np.random.default_rng(seed)
    pairs = []
    for index in range(chips):
        row, column, edge = rng.integers(0, SIZE - 12), rng.integers(0, SIZE - 12), rng.integers(4, 13)
        mask = mask_of() if index % 3 == 0 else mask_of((int(row), int(column), int(edge)))
        logit = skill * (4.0 * (mask == 1) - 2) + rng.normal(0, 2) + rng.normal(0, 1, mask.shape)
        mask[0, : rng.integers(0, SIZE)] = 255
        pairs.append((f"chip_{index}.tif", (1 / (1 + np.exp(-logit))).astype(np.float16), mask))
    return pairs


def areas(pairs: list[MaskPair]) -> dict[str, float]:
    """A hundredth of a hectare a pixel, as at 10 m."""
    return {name: HECTARE for name, _, _ in pairs}


def make_measures(chips: int = 36, seed: int = 0, skill: float = 1.5, threshold: float = 0.5) -> pd.DataFrame:
    """Measures of such chips, two chips a place; every sixth place is kept for the test."""
    pairs = make_pairs(chips, seed, skill)
    table = measure_segmentation(pairs, areas(pairs), threshold, SegmentationMeasureSettings())
    place = np.arange(chips) // 2
    fold = pd.Series(place % 6, dtype="Int64")
    return table.assign(place=[f"place-{index}" for index in place], fold=fold.mask(fold == 5))
