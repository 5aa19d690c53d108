"""Batches of packed chips, and of windows of chips with their masks, for training."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler, Sampler

from mining_the_mines.chips.masks import UNKNOWN
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes
from mining_the_mines.chips.windows import WITH_MINE, take_window
from mining_the_mines.sentinel2.reflectance import NODATA, OFFSET, QUANTIFICATION

Batch = tuple[Tensor, Tensor]
#: A crop: number of the chip, first row and first column.
Crop = tuple[int, int, int]


class PackedDataset(Dataset[Batch]):
    """Reads whole batches of packed digital numbers from the memory map in one go.

    Args:
        packed: All packed chips.
        filenames: Which of them.
        labels: ``(len(filenames),)`` of 0 and 1, or a probability for each of their pixels, NaN where it is unknown.
    """

    def __init__(
        self, packed: PackedChips, filenames: tuple[str, ...], labels: NDArray[np.integer | np.floating]
    ) -> None:
        self.packed = packed  # not its array: that would be copied whole into every reading process
        self.rows = np.asarray(packed.rows(filenames), dtype=np.int64)
        self.labels = torch.from_numpy(labels.astype(np.float32))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> Batch:
        return self.__getitems__([position])

    def __getitems__(self, positions: list[int]) -> Batch:
        """Batch of digital numbers ``(B, C, H, W)`` uint16 and labels ``(B,)`` or ``(B, H, W)`` float32."""
        return torch.from_numpy(self.packed.array[self.rows[positions]]), self.labels[positions]


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
        seed: The crops depend on it and on the number of the epoch only.
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
        """Number of crops per epoch."""
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


def training_loader(
    dataset: Dataset[Batch],
    sampler: "DistributedSampler[Batch] | CropSampler",
    batch_size: int,
    first_epoch: int = 0,
    workers: int = 0,
) -> DataLoader[Batch]:
    """Batches in a new order every epoch, which leave torch's own random numbers alone.

    Args:
        dataset: Returns whole batches.
        sampler: Draws the order from its seed and the number of the epoch.
        batch_size: Samples per batch; a left-over smaller one is not trained on.
        first_epoch: Epoch at which the training begins. Lightning sets the epoch too late for processes that read
            ahead.
        workers: Processes that read ahead.
    """
    sampler.set_epoch(first_epoch)
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        # Each pass draws a seed for its workers. Drawn from torch's own generator, it would shift the random numbers of
        # augmentation, and of a resumed run otherwise than of one that was never interrupted.
        generator=torch.Generator().manual_seed(sampler.seed),
        drop_last=len(sampler) > batch_size,  # batch norm can't learn from a left-over chip
        num_workers=workers,
        collate_fn=take_batch,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
    )


def ordered_loader(dataset: Dataset[Batch], batch_size: int, crops: Sequence[Crop] | None = None) -> DataLoader[Batch]:
    """Batches in the dataset's order, or of crops in theirs."""
    return DataLoader(dataset, batch_size=batch_size, sampler=crops, collate_fn=take_batch)


def take_batch(batch: Any) -> Any:  # noqa: ANN401 - of any type
    """Pass a batch on: the datasets here return whole batches where the loader expects items."""
    return batch


def decode_batch(digital_numbers: Tensor) -> Tensor:
    """Packed digital numbers to reflectance, on their device; see :mod:`mining_the_mines.sentinel2.reflectance`."""
    numbers = digital_numbers.to(torch.float32, copy=True)
    missing = numbers == NODATA
    # In place: on large chips, new arrays for each step of this take longer than the arithmetic.
    return numbers.sub_(OFFSET).div_(QUANTIFICATION).masked_fill_(missing, torch.nan)
