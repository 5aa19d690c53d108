"""Windows of packed chips and their masks as batches for training."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from mining_the_mines.chips.masks import UNKNOWN
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes
from mining_the_mines.chips.windows import WITH_MINE, take_window
from mining_the_mines.models.packed_data import Batch, as_it_is, resumable_loader
from mining_the_mines.sentinel2.reflectance import NODATA

#: A crop: number of the chip, first row and first column.
Crop = tuple[int, int, int]


class CropDataset(Dataset[Batch]):
    """Reads square crops of chips and masks from their memory maps.

    Args:
        packed: All packed chips.
        masks: Masks of some of them.
        filenames: The chips that crops are numbered by.
        edge: Of a crop, in pixels; ``None`` reads whole chips.
    """

    def __init__(
        self, packed: PackedChips, masks: PackedPlanes, filenames: tuple[str, ...], edge: int | None = None
    ) -> None:
        self.packed, self.masks = packed, masks  # not their arrays: those would be copied into every reading process
        self.chip_rows, self.mask_rows = packed.rows(filenames), masks.rows(filenames)
        self.edge = edge

    def __len__(self) -> int:
        return len(self.chip_rows)

    def __getitem__(self, crop: Crop) -> Batch:
        return self.__getitems__([crop])

    def __getitems__(self, crops: list[Crop]) -> Batch:
        """Batch of digital numbers ``(B, C, H, W)`` uint16 and masks ``(B, H, W)`` uint8."""
        chips = [self._cut(self.packed.array[self.chip_rows[chip]], row, column, NODATA) for chip, row, column in crops]
        masks = [self._cut(self.masks.array[self.mask_rows[chip]], row, column, UNKNOWN) for chip, row, column in crops]
        return torch.from_numpy(np.stack(chips)), torch.from_numpy(np.stack(masks))

    def _cut(self, pixels: NDArray[Any], row: int, column: int, fill: int) -> NDArray[Any]:
        return pixels if self.edge is None else take_window(pixels, row, column, self.edge, fill)


class CropSampler(Sampler[Crop]):
    """Draws crops from windows: all that show a mine, and as many others as are asked for, anew every epoch.

    Args:
        windows: Columns ``chip`` (number), ``row``, ``column``, ``size`` and ``kind`` (``mine`` or ``other``).
        edge: Of a crop; it lies in its window at random, or around it where the window is smaller. ``None`` takes
            windows as they are.
        negative_share: Share of crops from windows without a mine; ``None`` takes all there are.
        seed: What is drawn depends on it and on the epoch's number only.
    """

    def __init__(self, windows: pd.DataFrame, edge: int | None, negative_share: float | None, seed: int) -> None:
        self.places = windows[["chip", "row", "column", "size"]].to_numpy(dtype=np.int64)
        mine = (windows["kind"] == WITH_MINE).to_numpy()
        self.positives, self.negatives = np.flatnonzero(mine), np.flatnonzero(~mine)
        self.edge = edge
        self.drawn = _negatives_an_epoch(len(self.positives), len(self.negatives), negative_share)
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw for this epoch from now on; Lightning calls it."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Crops an epoch."""
        return len(self.positives) + self.drawn

    def __iter__(self) -> Iterator[Crop]:
        """Draw the epoch's crops."""
        random = np.random.default_rng([self.seed, self.epoch])
        others = random.choice(self.negatives, self.drawn, replace=False)
        chosen = self.places[random.permutation(np.concatenate([self.positives, others]))]
        corners = chosen[:, 1:3]
        if self.edge is not None:
            spare = chosen[:, 3:] - self.edge
            corners = corners + np.floor(random.random((len(chosen), 2)) * (np.abs(spare) + 1)) * np.sign(spare)
        return iter(
            [(int(chip), int(row), int(column)) for chip, (row, column) in zip(chosen[:, 0], corners, strict=True)]
        )


def _negatives_an_epoch(positives: int, negatives: int, share: float | None) -> int:
    if share is None or positives == 0:
        return negatives
    return min(negatives, round(positives * share / (1 - share)))


def crop_loader(
    dataset: CropDataset, sampler: CropSampler, batch_size: int, workers: int, first_epoch: int
) -> DataLoader[Batch]:
    """Batches of crops; see :func:`mining_the_mines.models.packed_data.training_loader`."""
    sampler.set_epoch(first_epoch)
    return resumable_loader(dataset, sampler, batch_size, sampler.seed, workers)


def whole_chip_loader(dataset: CropDataset, batch_size: int) -> DataLoader[Batch]:
    """Batches of whole chips in the dataset's order."""
    crops = [(number, 0, 0) for number in range(len(dataset))]
    return DataLoader(dataset, batch_size=batch_size, sampler=_Sequence(crops), collate_fn=as_it_is)


class _Sequence(Sampler[Crop]):
    def __init__(self, crops: list[Crop]) -> None:
        self.crops = crops

    def __len__(self) -> int:
        return len(self.crops)

    def __iter__(self) -> Iterator[Crop]:
        return iter(self.crops)
