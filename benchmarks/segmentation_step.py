"""A training step of a segmenter against the bare network's step on the same batch.

Ours is all that happens in training: reading crops from the packed array, decoding, augmentation, loss, optimiser,
averaging of weights, Lightning. The rival is the same network in a plain loop on one batch of reflectance that is held
in memory: forward, the same loss, backward, AdamW. Both take turns in several rounds, and the best of each counts, in
processor time, so that other programs do not. Configurations are those of ``conf``, and an FPN on a ResNet-34 at 256
pixels. The exit status is about that one: what training adds to a step of a tenth of a second weighs more, and is told.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from affine import Affine
from kedro.config import OmegaConfigLoader
from lightning import Trainer
from lightning.pytorch.callbacks import Callback
from rasterio.crs import CRS

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes, planes_in_memory
from mining_the_mines.chips.statistics import ALL, summarise_bands
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.models.batches import decode_batch
from mining_the_mines.models.kinds import MaskedChips
from mining_the_mines.models.networks import SegmenterNetworks
from mining_the_mines.models.segmentation import SegmenterTraining, decode_masks, segmentation_loss
from mining_the_mines.models.segmenter_network import SegmenterNetwork
from mining_the_mines.models.training import GRADIENT_CLIP, FitPlan, ResumableAverage, quieten_lightning
from training_throughput import pack_noise

PROJECT = Path(__file__).parents[1]
WANTED = 1.1
#: A network of usual size, beside those of the environments, which are small.
USUAL = {"network": {"architecture": "fpn", "encoder": "resnet34"}, "batch_size": 8}


@dataclass(frozen=True)
class Configuration:
    """What is trained.

    Attributes:
        env: Its environment in ``conf``.
        size: Edge of its chips.
        settings: Of training, instead of those of the environment.
    """

    env: str
    size: int
    settings: dict[str, Any] | None = None


CONFIGURATIONS = {
    "usual": Configuration("base", 256, USUAL),
    "base": Configuration("base", 64),
    "tailings_dams": Configuration("tailings_dams", 448),
}


class _Clock(SegmenterTraining):
    """Training that measures the processor time from the end of the first step to the end of the last."""

    started = 0.0
    seconds = 0.0

    def on_train_batch_end(self, _outputs: object, _batch: object, batch_idx: int) -> None:
        if batch_idx == 0:
            self.started = time.process_time()

    def on_train_epoch_end(self) -> None:
        self.seconds = time.process_time() - self.started


def random_masks(packed: PackedChips) -> PackedPlanes:
    """A square of mine on each chip."""
    chips, size = len(packed), packed.array.shape[-1]
    planes = np.zeros((chips, size, size), dtype=np.uint8)
    planes[:, size // 4 : size // 2, size // 4 : size // 2] = 1
    grid = ChipGrid(CRS.from_epsg(32721), Affine(10, 0, 0, 0, -10, 0), size, size)
    return planes_in_memory(planes, packed.filenames, (grid,) * chips)


def network_of(plan: FitPlan) -> SegmenterNetwork:
    """The segmenter of a plan."""
    network = plan.training.network
    assert isinstance(network, SegmenterNetwork)  # noqa: S101 - what a segmenter's plan holds
    return network


def seconds_of_ours(kind: SegmenterNetworks, data: MaskedChips) -> float:
    """Train one epoch; seconds per step."""
    torch.manual_seed(0)
    plan = kind.plan(data, 0, 0, 0)
    clock = _Clock(network_of(plan), kind, seed=0)
    averages: list[Callback] = [] if kind.average_decay is None else [ResumableAverage(decay=kind.average_decay)]
    trainer = Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=GRADIENT_CLIP,
        callbacks=averages,
    )
    trainer.fit(clock, plan.batches)
    return clock.seconds / (len(plan.batches) - 1)


def seconds_of_rival(kind: SegmenterNetworks, data: MaskedChips, steps: int) -> float:
    """Step on one batch; seconds per step."""
    torch.manual_seed(0)
    plan = kind.plan(data, 0, 0, 0)
    network, loss = network_of(plan).train(), segmentation_loss(kind)
    numbers, masks = next(iter(plan.batches))
    reflectance, targets = decode_batch(numbers), decode_masks(masks)
    optimiser = torch.optim.AdamW(network.parameters(), lr=kind.learning_rate)
    for step in range(steps + 1):
        if step == 1:
            started = time.process_time()
        optimiser.zero_grad()
        torch.autograd.backward(loss(network.logits(reflectance), targets))
        optimiser.step()
    return (time.process_time() - started) / steps


def main(options: argparse.Namespace) -> int:
    """Measure both configurations and print the ratios."""
    quieten_lightning()
    torch.set_num_threads(options.threads)
    ratios = {name: measure(name, options) for name in options.configurations}
    return 0 if ratios.get("usual", 0.0) <= WANTED else 1


def measure(name: str, options: argparse.Namespace) -> float:
    """Measure one configuration; the ratio of both steps."""
    configuration = CONFIGURATIONS[name]
    loader = OmegaConfigLoader(
        str(PROJECT / "conf"), base_env="base", env=configuration.env, merge_strategy={"parameters": "soft"}
    )
    stated: dict[str, Any] = loader["parameters"]["segmentation"]["training"]
    kind = SegmenterNetworks(**{**stated, **(configuration.settings or {})})
    size, chips = configuration.size, kind.batch_size * (options.steps + 1)
    with tempfile.TemporaryDirectory() as folder:
        bands = tuple(loader["parameters"]["imagery"]["bands"])
        packed = pack_noise(Path(folder), chips, size, bands)
        windows = pd.DataFrame({"filename": packed.filenames, "row": 0, "column": 0, "size": size, "kind": "mine"})
        rows = pd.DataFrame({"filename": packed.filenames, "fold": 1})
        statistics = {"0": summarise_bands(packed, rows.assign(split="train", fold=rows.index % 2))[ALL]}
        data = MaskedChips(packed, rows, statistics, masks=random_masks(packed), windows=windows)
        ours, rival = [], []
        for _ in range(options.rounds):
            ours.append(seconds_of_ours(kind, data))
            rival.append(seconds_of_rival(kind, data, options.steps))
    ratio = min(ours) / min(rival)
    print(f"{name}: {len(bands)} × {size} × {size}, batches of {kind.batch_size}, {kind.network.encoder}")
    print(f"  a step of training {min(ours) * 1000:.0f} ms, of the bare network {min(rival) * 1000:.0f} ms")
    print(f"  ratio {ratio:.3f} (at most {WANTED} wanted)")
    return ratio


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configurations", nargs="*", default=list(CONFIGURATIONS), help=", ".join(CONFIGURATIONS))
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    sys.exit(main(parser.parse_args()))
