"""Packed chips as batches for training and prediction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler, Sampler

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.sentinel2.reflectance import NODATA, OFFSET, QUANTIFICATION

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class LabelledChips:
    """Some of the packed chips, with their labels.

    Attributes:
        packed: All packed chips.
        filenames: Which of them.
        labels: ``(len(filenames),)`` of 0 and 1.
    """

    packed: PackedChips
    filenames: tuple[str, ...]
    labels: NDArray[np.int64]


class PackedDataset(Dataset[Batch]):
    """Reads whole batches of packed digital numbers from the memory map in one go."""

    def __init__(self, chips: LabelledChips) -> None:
        self.packed = chips.packed  # not its array: that would be copied whole into every reading process
        self.rows = np.asarray(chips.packed.rows(chips.filenames), dtype=np.int64)
        self.labels = torch.from_numpy(chips.labels.astype(np.float32))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> Batch:
        return self.__getitems__([position])

    def __getitems__(self, positions: list[int]) -> Batch:
        """Batch of digital numbers ``(B, C, H, W)`` uint16 and labels ``(B,)`` float32."""
        return torch.from_numpy(self.packed.array[self.rows[positions]]), self.labels[positions]


def as_it_is(batch: Any) -> Any:  # noqa: ANN401 - of any type
    """Hand a batch on: datasets here give whole batches, where the loader expects items."""
    return batch


def training_loader(
    chips: LabelledChips, batch_size: int, seed: int, workers: int = 0, first_epoch: int = 0
) -> DataLoader[Batch]:
    """Batches in a new order every epoch, which depends on the seed and the epoch's number only.

    Args:
        chips: What to learn from.
        batch_size: Chips a batch.
        seed: Seed of the order.
        workers: Processes that read ahead.
        first_epoch: Epoch at which the training begins. Lightning tells the epoch's number too late for processes that
            read ahead.
    """
    dataset = PackedDataset(chips)
    sampler: DistributedSampler[Batch] = DistributedSampler(dataset, num_replicas=1, rank=0, shuffle=True, seed=seed)
    sampler.set_epoch(first_epoch)
    return resumable_loader(dataset, sampler, batch_size, seed, workers)


def resumable_loader(
    dataset: Dataset[Batch], sampler: Sampler[Any], batch_size: int, seed: int, workers: int
) -> DataLoader[Batch]:
    """Batches as the sampler draws them, which leave torch's own random numbers alone.

    Args:
        dataset: Gives whole batches.
        sampler: Draws each epoch anew; it is set to the first one already.
        batch_size: Samples a batch; a left-over smaller one is not trained on.
        seed: Seed of the workers.
        workers: Processes that read ahead.
    """
    samples = len(sampler)  # type: ignore[arg-type] # torch declares no length, and every sampler here has one
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        # Each pass draws a seed for its workers. Drawn from torch's own generator, it would shift the random numbers of
        # augmentation, and of a resumed run otherwise than of one that was never interrupted.
        generator=torch.Generator().manual_seed(seed),
        drop_last=samples > batch_size,  # batch norm can't learn from a left-over chip
        num_workers=workers,
        collate_fn=as_it_is,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
    )


def ordered_loader(chips: LabelledChips, batch_size: int) -> DataLoader[Batch]:
    """Batches in the given order."""
    return DataLoader(PackedDataset(chips), batch_size=batch_size, collate_fn=as_it_is)


def decode_batch(digital_numbers: Tensor) -> Tensor:
    """Packed digital numbers to reflectance, on their device; see :mod:`mining_the_mines.sentinel2.reflectance`."""
    numbers = digital_numbers.to(torch.float32, copy=True)
    missing = numbers == NODATA
    # In place: on large chips, new arrays for each step of this take longer than the arithmetic.
    return numbers.sub_(OFFSET).div_(QUANTIFICATION).masked_fill_(missing, torch.nan)


def packed_batches(packed: PackedChips, filenames: Sequence[str], batch_size: int) -> Iterator[NDArray[np.uint16]]:
    """Digital numbers of the named chips, ``(B, C, H, W)`` at a time."""
    rows = packed.rows(filenames)
    for start in range(0, len(rows), batch_size):
        yield packed.array[rows[start : start + batch_size]]
