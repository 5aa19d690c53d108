"""Crops of chips and masks for training."""

from collections import Counter

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_the_mines.chips.masks import UNKNOWN
from mining_the_mines.models.batches import CropDataset, CropSampler, training_loader
from mining_the_mines.sentinel2.reflectance import NODATA
from support.segmentation_data import outlined_chips
from support.training_data import SIZE


def windows(mines: int = 6, others: int = 20, size: int = 64) -> pd.DataFrame:
    kinds = ["mine"] * mines + ["other"] * others
    return pd.DataFrame({"chip": range(len(kinds)), "row": -8, "column": 16, "size": size, "kind": kinds})


def test_cropping() -> None:
    data = outlined_chips()
    names = tuple(data.chips.folds["filename"])
    numbers, masks = CropDataset(data.chips.packed, data.masks, names, 64)[3, -16, -16]
    assert (numbers.shape, masks.shape) == ((1, 3, 64, 64), (1, 64, 64))
    np.testing.assert_array_equal(masks[0, 16:48, 16:48], data.masks.array[3])
    np.testing.assert_array_equal(numbers[0, :, 16:48, 16:48], data.chips.packed.array[3])
    assert (masks[0, :16] == UNKNOWN).all()
    assert (numbers[0, :, :, 48:] == NODATA).all()


@settings(max_examples=30, deadline=None)
@given(edge=st.sampled_from([32, 64, 96]), seed=st.integers(0, 99), epoch=st.integers(0, 9))
def test_place_of_crops(edge: int, seed: int, epoch: int) -> None:
    sampler = CropSampler(windows(), edge, 0.5, seed)
    sampler.set_epoch(epoch)
    spare = 64 - edge
    for _, row, column in sampler:
        assert min(0, spare) <= row + 8 <= max(0, spare)
        assert min(0, spare) <= column - 16 <= max(0, spare)


def test_share_of_other_ground() -> None:
    sampler = CropSampler(windows(), None, 0.4, seed=0)
    chips = Counter(chip for chip, _, _ in sampler)
    assert [chips[mine] for mine in range(6)] == [1] * 6
    assert len(sampler) == sum(chips.values()) == 10


def test_epochs() -> None:
    sampler = CropSampler(windows(), 32, 0.5, seed=3)
    epochs = []
    for epoch in (0, 1, 0):
        sampler.set_epoch(epoch)
        epochs.append(list(sampler))
    assert epochs[0] == epochs[2] != epochs[1]


def test_left_over_crop() -> None:
    data = outlined_chips()
    names = tuple(data.chips.folds["filename"])
    dataset = CropDataset(data.chips.packed, data.masks, names)
    table = windows(mines=5, others=0, size=SIZE).assign(row=0, column=0)
    batches = list(training_loader(dataset, CropSampler(table, None, None, 0), 4))
    assert [len(masks) for _, masks in batches] == [4]
