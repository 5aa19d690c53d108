"""Throughput of training on packed chips, against the same steps on one batch that is held in memory.

Both train the same network with the same loss and optimiser through Lightning, without augmentation. The rival's batch
lies on the device from the start, decoded anew each step as the packed chips are; so the ratio is what loading costs.
Both take turns, and the better time of each counts.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from lightning import Trainer
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from mining_the_mines.chips.packing import PackedChips, write_packed
from mining_the_mines.models.batches import Batch, PackedDataset, training_loader
from mining_the_mines.models.classification import ClassifierTraining
from mining_the_mines.models.classifier_network import ClassifierNetwork
from mining_the_mines.models.networks import AugmentationSettings, ClassifierNetworks, ClassifierSpec
from mining_the_mines.models.spectral_input import BandScale
from mining_the_mines.models.training import quieten_lightning
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS

WANTED = 0.9
OFF = AugmentationSettings(symmetries=False, scale=0, shift=0, brightness=0, gain=0, offset=0)


class OneBatch(Dataset[Batch]):
    """The same batch again and again."""

    def __init__(self, batch: Batch, steps: int) -> None:
        self.batch = batch
        self.steps = steps

    def __len__(self) -> int:
        """Steps an epoch."""
        return self.steps

    def __getitem__(self, _: int) -> Batch:
        """The batch."""
        return self.batch


def pack_noise(folder: Path, chips: int, size: int, bands: tuple[str, ...] = COMPETITION_BANDS) -> PackedChips:
    """Pack noise on disk, and open it through a memory map; the cost of training does not depend on the content."""
    names = tuple(f"chip_{number}.tif" for number in range(chips))
    random = np.random.default_rng(0)
    noise = (random.integers(1000, 6000, (len(bands), size, size), dtype=np.uint16) for _ in names)
    return write_packed(noise, names, bands, (size, size), folder / "packed")


def seconds_an_epoch(loader: DataLoader[Batch], settings: ClassifierNetworks, size: int) -> float:
    """Train one epoch of a fresh network; its first step, which warms up, is not counted."""
    torch.manual_seed(0)
    bands = len(COMPETITION_BANDS)
    scale = BandScale(COMPETITION_BANDS, (0.05,) * bands, (0.45,) * bands)
    clock = _Clock(ClassifierNetwork(settings.network, scale, size), settings, (1.0, 1.0), seed=0)
    trainer = Trainer(
        accelerator=settings.accelerator,
        devices=1,
        max_epochs=1,
        precision="bf16-mixed" if settings.accelerator == "gpu" else "32-true",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(clock, loader)
    return clock.seconds


class _Clock(ClassifierTraining):
    """Training that measures the time from the end of the first step to the end of the last."""

    started = 0.0
    seconds = 0.0

    def on_train_batch_end(self, _outputs: object, _batch: object, batch_idx: int) -> None:
        if batch_idx == 0:
            self.started = self._now()

    def on_train_epoch_end(self) -> None:
        self.seconds = self._now() - self.started

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def first_batch(packed: PackedChips, labels: NDArray[np.int64], batch_size: int, device: str) -> Batch:
    """The first chips, on the device."""
    images = torch.from_numpy(packed.array[:batch_size].copy()).to(device)
    return images, torch.from_numpy(labels[:batch_size].astype(np.float32)).to(device)


def main(options: argparse.Namespace) -> int:
    """Pack noise, train on it and on one batch in turns, and print both throughputs."""
    quieten_lightning()
    torch.set_num_threads(options.threads)
    network = ClassifierSpec(architecture=options.model, input_size=options.size)
    settings = ClassifierNetworks(
        network=network,
        augmentation=OFF,
        epochs=1,
        warmup_epochs=0,
        batch_size=options.batch_size,
        accelerator="gpu" if options.device == "cuda" else "cpu",
    )
    steps = options.chips // options.batch_size
    labels = np.arange(options.chips) % 2
    with tempfile.TemporaryDirectory() as folder:
        packed = pack_noise(Path(folder), options.chips, options.size)
        chips = PackedDataset(packed, packed.filenames, labels)
        held = OneBatch(first_batch(packed, labels, options.batch_size, options.device), steps)
        times: dict[str, list[float]] = {"packed": [], "held": []}
        for _ in range(options.rounds):
            sampler: DistributedSampler[Batch] = DistributedSampler(chips, num_replicas=1, rank=0)
            loader = training_loader(chips, sampler, options.batch_size, workers=options.workers)
            times["packed"].append(seconds_an_epoch(loader, settings, options.size))
            times["held"].append(seconds_an_epoch(DataLoader(held, batch_size=None), settings, options.size))
    counted = (steps - 1) * options.batch_size
    speed = {name: counted / min(measured) for name, measured in times.items()}
    ratio = speed["packed"] / speed["held"]
    megabytes = packed.array.nbytes / 1e6
    print(f"{options.model} on {options.device}, {options.chips} chips of 12 × {options.size} × {options.size}")
    print(f"on the packed array ({megabytes:.0f} MB, mapped): {speed['packed']:.1f} chips/s")
    print(f"on one batch held in memory: {speed['held']:.1f} chips/s")
    print(f"ratio {ratio:.3f} (at least {WANTED} wanted)")
    return 0 if ratio >= WANTED else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="test_maxvit", help="any network of timm, such as maxvit_tiny_tf_512")
    parser.add_argument("--chips", type=int, default=256)
    parser.add_argument("--size", type=int, default=96, help="edge of a chip in pixels")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="threads that compute on the CPU")
    parser.add_argument("--workers", type=int, default=0, help="processes that read ahead")
    parser.add_argument("--rounds", type=int, default=2)
    sys.exit(main(parser.parse_args()))
