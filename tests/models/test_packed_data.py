"""Packed chips as batches."""

import pickle
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DistributedSampler

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.packing import pack_chips
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.models.batches import (
    Batch,
    PackedDataset,
    ordered_loader,
    training_loader,
)
from mining_the_mines.models.ensemble import predict_packed, predict_reflectance
from support.chip_files import packed_chips, write_folder
from support.networks import small_ensemble


def labelled(count: int = 12) -> PackedDataset:
    """Chips whose label is whether their number is odd, in reverse order."""
    packed = packed_chips(count)
    return PackedDataset(packed, packed.filenames[::-1], np.arange(count)[::-1] % 2)


def epoch_of(seed: int, epoch: int) -> list[Batch]:
    dataset = labelled()
    sampler: DistributedSampler[Batch] = DistributedSampler(dataset, num_replicas=1, rank=0, seed=seed)
    loader = training_loader(dataset, sampler, 4, epoch)
    torch.rand(epoch + 3)
    return list(loader)


def same(ours: list[Batch], theirs: list[Batch]) -> bool:
    pairs = zip(ours, theirs, strict=True)
    return all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in pairs)


def test_order_by_seed_and_epoch() -> None:
    assert same(epoch_of(seed=1, epoch=2), epoch_of(seed=1, epoch=2))
    assert not same(epoch_of(seed=1, epoch=2), epoch_of(seed=1, epoch=3))
    assert not same(epoch_of(seed=1, epoch=2), epoch_of(seed=2, epoch=2))


def test_every_chip_once() -> None:
    chips = labelled()
    seen = [
        (int(np.flatnonzero((chips.packed.array == image.numpy()).all(axis=(1, 2, 3)))[0]), float(label))
        for images, labels in epoch_of(seed=0, epoch=0)
        for image, label in zip(images, labels, strict=True)
    ]
    assert sorted(seen) == [(row, row % 2) for row in range(12)]


def test_order_of_prediction() -> None:
    chips = labelled()
    images = torch.cat([images for images, _ in ordered_loader(chips, 5)])
    assert np.array_equal(images.numpy(), chips.packed.array[::-1])


def test_pixels_are_not_sent(tmp_path: Path) -> None:
    names = [f"chip_{number}.tif" for number in range(6)]
    folder = ChipFolder(write_folder(tmp_path / "images", names))
    settings = ChipSettings(bands=("B2", "B3", "B4", "B8", "B11", "B12"))
    packed = pack_chips(folder, take_inventory(folder, settings), settings, tmp_path / "packed")
    dataset = PackedDataset(packed, packed.filenames, np.zeros(6, dtype=np.int64))
    sent = pickle.dumps(dataset)
    assert len(sent) < packed.array.nbytes / 4
    received = pickle.loads(sent)  # noqa: S301 - our own
    assert torch.equal(received[2][0], dataset[2][0])


def test_packed_and_reflectance() -> None:
    packed, network = packed_chips(5), small_ensemble(1)
    reflectance = np.stack([packed.reflectance(row) for row in range(5)])
    ours = predict_packed(network, packed, packed.filenames, batch_size=2)
    np.testing.assert_allclose(ours, predict_reflectance(network, reflectance), atol=1e-6)
