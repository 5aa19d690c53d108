"""Packed chips with their masks, and probability maps of a segmenter."""

from typing import Any

import numpy as np
import pandas as pd

from mining_the_mines.chips.packing import PackedChips, pack_in_memory
from mining_the_mines.chips.planes import PackedPlanes, planes_in_memory
from mining_the_mines.models.kinds import TrainedModel
from mining_the_mines.pipelines.evaluation.segmentation_nodes import SegmentationEvaluationSettings, score_segmentation
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from support.chip_files import ground
from support.chip_polygons import utm_grid
from support.networks import SIX_BANDS, trained_segmenter
from support.scored_segmentation import SIZE, make_pairs

CHIPS, TRAIN = 24, 18
SETTINGS = SegmentationEvaluationSettings(bootstrap=BootstrapSettings(resamples=20), batch_size=4)
NAMES = [f"chip_{number}.tif" for number in range(CHIPS)]
GRIDS = [utm_grid(SIZE, SIZE, left=500_000 + 10_000 * number) for number in range(CHIPS)]
PAIRS = {name: (probability, mask) for name, probability, mask in make_pairs(CHIPS)}


def folds_table() -> pd.DataFrame:
    """24 unlabelled chips of 12 places, the last six of them for testing."""
    numbers = np.arange(CHIPS)
    return pd.DataFrame(
        {
            "filename": NAMES,
            "label": pd.array([pd.NA] * CHIPS, dtype="Int64"),
            "category": pd.array([None] * CHIPS, dtype="str"),
            "place": [f"place-{number // 2}" for number in numbers],
            "split": np.where(numbers < TRAIN, "train", "test"),
            "fold": pd.array([number // 2 % 3 if number < TRAIN else pd.NA for number in numbers], dtype="Int64"),
        }
    )


def masks_of(names: list[str] = NAMES) -> PackedPlanes:
    """The truth; every third chip has no mine."""
    return planes(names, [PAIRS[name][1] for name in names])


def maps_of(names: list[str], *, wrong: bool = False) -> PackedPlanes:
    """Maps of some skill, or their opposite."""
    return planes(names, [1 - PAIRS[name][0] if wrong else PAIRS[name][0] for name in names], np.float16)


def planes(names: list[str], values: list[Any], dtype: type[np.generic] = np.uint8) -> PackedPlanes:
    """Planes in memory on the grids of the chips."""
    array = np.stack(values) if values else np.empty((0, SIZE, SIZE))
    return planes_in_memory(array.astype(dtype), names, [GRIDS[NAMES.index(name)] for name in names])


def packed() -> PackedChips:
    """All chips in memory."""
    return pack_in_memory([ground(seed, len(SIX_BANDS), SIZE) for seed in range(CHIPS)], NAMES, SIX_BANDS)


def network() -> TrainedModel:
    """Two segmenters with random weights."""
    return trained_segmenter(2, size=SIZE)


def chip_scores(names: list[str] = NAMES) -> pd.DataFrame:
    """Measures of all chips."""
    trained, tested = ([name for name in names if (NAMES.index(name) < TRAIN) == early] for early in (True, False))
    given = (masks_of(names), maps_of(trained), maps_of(tested), {"threshold": 0.5}, folds_table(), SETTINGS)
    return score_segmentation(*given)[1]
