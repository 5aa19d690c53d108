"""Outlines of tailings deposits: our configuration against a common recipe, for the same time on the same folds.

The recipe is what a competition notebook does: an FPN on a ResNet-34 from scratch, Dice loss, Adam at 1e-4, every chip
resized to 256 pixels, batches of 8. Ours is ``conf/tailings_dams``, which starts from ImageNet. It trains first; then
the recipe trains as long, fold by fold, with prediction on top. Thresholds are chosen by the same rule on each one's
own out-of-fold maps, and IoU is that of all pixels of the data set, with intervals by place.

With ``--passes`` the recipe trains for that many passes over the chips instead, and is scored after every fifth: the
passes with its highest IoU count, so that it is stopped by the chips that it is scored on, and ours is not. With
``--maps`` ours are the maps that a run has left, and are not trained again:

    kedro run --env=tailings_dams --pipelines=segmentation --params=raw_root=FOLDER
    python benchmarks/segmentation_recipe.py --passes 40 --maps data/tailings_dams/07_model_output/probability_maps
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import segmentation_models_pytorch as smp
import torch
from kedro.config import OmegaConfigLoader
from numpy.typing import NDArray
from rich.progress import track
from segmentation_models_pytorch.losses import DiceLoss
from torch import Tensor
from torch.nn import functional

from mining_the_mines.chips.folder import ChipFolder, LabelFormat, read_labels
from mining_the_mines.chips.folds import FoldSettings, assign_folds
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.masks import MaskSettings, draw_masks
from mining_the_mines.chips.packing import PackedChips, pack_chips
from mining_the_mines.chips.planes import ARRAY, PackedPlanes, open_planes
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.chips.statistics import summarise_bands
from mining_the_mines.chips.windows import WindowSettings, cut_windows
from mining_the_mines.geo.grid import pixel_hectares
from mining_the_mines.geo.mine_polygons import read_mine_polygons
from mining_the_mines.models.cross_validation import cross_validate
from mining_the_mines.models.kinds import ChipLayout, MaskedChips
from mining_the_mines.models.networks import SegmenterNetworks
from mining_the_mines.scoring.bootstrap import BootstrapSettings, Interval, bootstrap_intervals, paired_difference
from mining_the_mines.scoring.segmentation import (
    SegmentationMeasureSettings,
    WeightedSegmentationScores,
    measure_segmentation,
)
from mining_the_mines.scoring.thresholds import PixelThresholdSettings, choose_pixel_threshold, tally_pixels

PROJECT = Path(__file__).parents[1]
SIZE = 256
BATCH = 8
LEARNING_RATE = 1e-4
#: Passes between two scores of the recipe.
EVERY = 5
WANTED_AHEAD = 0.08
WANTED = 0.50
WANTED_MINUTES = 60


@dataclass(frozen=True)
class Data:
    """Chips, their masks and the folds that both sides use."""

    packed: PackedChips
    masks: PackedPlanes
    windows: pd.DataFrame
    folds: pd.DataFrame


def prepare(folder: Path, parameters: dict[str, Any], scratch: Path, seed: int) -> Data:
    """Read, pack and split the chips, and draw the masks, as preprocessing does."""
    settings = ChipSettings(**parameters["imagery"])
    chips = ChipFolder(folder / "images", read_labels(folder / "chips.csv", LabelFormat(label_column=None)))
    manifest = take_inventory(chips, settings)
    packed = pack_chips(chips, manifest, settings, scratch / "packed")
    outlines = read_mine_polygons(folder / "tailings.gpkg")
    masks = draw_masks(packed, chips, outlines, MaskSettings(), scratch / "masks")
    folds = assign_folds(manifest, FoldSettings(**{**parameters["folds"], "test_share": 0, "seed": seed}))
    cutting = WindowSettings(**parameters["segmentation"]["windows"])
    return Data(packed, masks, cut_windows(masks, folds["filename"], outlines, cutting), folds)


def train_ours(data: Data, parameters: dict[str, Any], scratch: Path) -> tuple[pd.DataFrame, float]:
    """Cross-validate our configuration; give measures of each chip, and seconds."""
    segmentation = parameters["segmentation"]
    chips = MaskedChips(
        data.packed,
        data.folds,
        summarise_bands(data.packed, data.folds),
        masks=data.masks,
        windows=data.windows,
        cutting=WindowSettings(**segmentation["windows"]),
    )
    layout = ChipLayout(bands=data.packed.bands, chip_size=data.packed.array.shape[-1])
    # The recipe trains fold by fold on all cores, so ours does, too.
    kind = SegmenterNetworks(**segmentation["training"], threads=torch.get_num_threads())
    started = time.perf_counter()
    result = cross_validate({"ours": kind}, chips, layout, scratch / "ours")["ours"]
    seconds = time.perf_counter() - started
    return measure(data, result.filenames, result.probabilities), seconds


def read_ours(data: Data, folder: Path) -> pd.DataFrame:
    """Measure the out-of-fold maps of the newest run below a folder."""
    maps = open_planes(max(folder.rglob(ARRAY)).parent)
    return measure(data, maps.filenames, maps.array)


@dataclass(frozen=True)
class Limit:
    """How long the recipe trains a fold."""

    seconds: float = math.inf
    passes: float = math.inf


def train_recipe(data: Data, limit: Limit) -> dict[int, pd.DataFrame]:
    """Cross-validate the recipe; give measures of each chip by the passes over the chips of a fold."""
    names: list[str] = []
    maps: dict[int, list[NDArray[np.float16]]] = {}
    for fold in track(sorted(data.folds["fold"].unique()), "the recipe"):
        held_out = data.folds.loc[data.folds["fold"] == fold, "filename"].tolist()
        others = data.folds.loc[data.folds["fold"] != fold, "filename"].tolist()
        names += held_out

        def keep(passes: int, network: torch.nn.Module, scale: Scale, held_out: list[str] = held_out) -> None:
            predicted = predict_recipe(network.eval(), resized(data, held_out, scale), data.masks.size)
            maps.setdefault(passes, []).append(predicted)
            network.train()

        torch.manual_seed(int(fold))
        fit_recipe(data, others, limit, keep)
    return {passes: measure(data, names, np.concatenate(parts)) for passes, parts in maps.items()}


Scale = tuple[Tensor, Tensor]


def fit_recipe(data: Data, names: list[str], limit: Limit, keep: Callable[[int, torch.nn.Module, Scale], None]) -> None:
    """Train up to a limit, and pass on the network with the scale of its bands: each fifth pass, or at the end."""
    network = smp.create_model("fpn", "resnet34", encoder_weights=None, in_channels=len(data.packed.bands), classes=1)
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    loss = DiceLoss("binary")
    pictures = resized(data, names, None)
    scale = pictures.mean(dim=(0, 2, 3), keepdim=True), pictures.std(dim=(0, 2, 3), keepdim=True)
    pictures = (pictures - scale[0]) / scale[1]
    truth = torch.from_numpy((data.masks.array[data.masks.rows(names)] == 1).astype(np.float32))
    truth = functional.interpolate(truth.unsqueeze(1), size=(SIZE, SIZE), mode="nearest")
    started, passes = time.perf_counter(), 0
    while passes < limit.passes:
        order = torch.randperm(len(names))
        for start in range(0, len(names) - BATCH + 1, BATCH):
            if time.perf_counter() - started >= limit.seconds:
                keep(0, network, scale)
                return
            chosen = order[start : start + BATCH]
            optimiser.zero_grad()
            loss(network(pictures[chosen]), truth[chosen]).backward()
            optimiser.step()
        passes += 1
        if limit.passes < math.inf and (passes % EVERY == 0 or passes == limit.passes):
            keep(passes, network, scale)


def resized(data: Data, names: list[str], scale: Scale | None) -> Tensor:
    """Chips at 256 pixels, standardised if it is known how."""
    chips = np.stack([data.packed.reflectance(int(row)) for row in data.packed.rows(names)])
    pictures = functional.interpolate(torch.from_numpy(chips), size=(SIZE, SIZE), mode="bilinear", antialias=True)
    return pictures if scale is None else (pictures - scale[0]) / scale[1]


def predict_recipe(network: torch.nn.Module, pictures: Tensor, size: tuple[int, int]) -> NDArray[np.float16]:
    """Maps of probability at the chips' own size."""
    with torch.inference_mode():
        batches = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
        maps = torch.cat([network(batch).sigmoid() for batch in batches])
        enlarged: NDArray[np.float16] = functional.interpolate(maps, size=size, mode="bilinear")[:, 0].half().numpy()
    return enlarged


def measure(data: Data, names: tuple[str, ...] | list[str], maps: NDArray[np.floating]) -> pd.DataFrame:
    """Choose the threshold on these maps, and measure every chip with it."""
    masks = data.masks.array[data.masks.rows(names)]
    pairs = list(zip(names, maps.astype(np.float16), masks, strict=True))
    hectares = {name: pixel_hectares(grid) for name, grid in zip(data.masks.filenames, data.masks.grids, strict=True)}
    threshold = choose_pixel_threshold(tally_pixels(pairs, hectares), PixelThresholdSettings())
    chips = measure_segmentation(pairs, hectares, threshold, SegmentationMeasureSettings())
    return chips.merge(data.folds, on="filename").assign(threshold=threshold)


def main(options: argparse.Namespace) -> int:
    """Train both sides and print their figures side by side."""
    torch.set_num_threads(options.threads)
    loader = OmegaConfigLoader(
        str(PROJECT / "conf"), base_env="base", env="tailings_dams", merge_strategy={"parameters": "soft"}
    )
    parameters: dict[str, Any] = loader["parameters"]
    bootstrap = BootstrapSettings()
    with tempfile.TemporaryDirectory() as folder:
        data = prepare(options.data, parameters, Path(folder), options.seed)
        ours, seconds = (
            (read_ours(data, options.maps), 0.0) if options.maps else train_ours(data, parameters, Path(folder))
        )
        limit = Limit(passes=options.passes) if options.passes else Limit(seconds / data.folds["fold"].nunique())
        recipes = train_recipe(data, limit)
    taken = "maps of a run" if options.maps else f"{seconds / 60:.1f} min"
    print(f"{len(data.folds)} chips of {data.folds['place'].nunique()} places, ours: {taken}")
    recipe = max(recipes.values(), key=_iou)
    shown = {"ours": ours} | {
        f"recipe, {passes} passes" if passes else "recipe": found for passes, found in recipes.items()
    }
    for name, chips in shown.items():
        intervals = bootstrap_intervals(WeightedSegmentationScores(chips), chips["place"], bootstrap)
        figures = [f"{metric} {_written(intervals[metric])}" for metric in ("iou", "boundary_f1", "iou_per_image")]
        print(f"{name}: {', '.join(figures)} (threshold {chips['threshold'][0]:.2f})")
    theirs = recipe.set_index("filename").loc[ours["filename"]]
    scorers = WeightedSegmentationScores(ours), WeightedSegmentationScores(theirs)
    ahead = paired_difference(*scorers, ours["place"], bootstrap)["iou"]
    iou = _iou(ours)
    print(f"ours is ahead by {_written(ahead)}, {iou / (iou - ahead.value):.2f} × the recipe's IoU")
    print(f"wanted: ahead by {WANTED_AHEAD}, beyond chance, and an IoU of {WANTED} in {WANTED_MINUTES} min")
    kept = ahead.value >= WANTED_AHEAD and ahead.low > 0 and iou >= WANTED
    return 0 if kept and seconds <= 60 * WANTED_MINUTES else 1


def _iou(chips: pd.DataFrame) -> float:
    return float(WeightedSegmentationScores(chips)(np.ones((1, len(chips))))["iou"][0])


def _written(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared/data/tailings_dams")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the folds; with --maps that of the run")
    parser.add_argument(
        "--passes", type=int, help="of the recipe over the chips; by default as many as ours takes time"
    )
    parser.add_argument("--maps", type=Path, help="probability maps of a run, which stand for ours; needs --passes")
    arguments = parser.parse_args()
    if arguments.maps and not arguments.passes:
        parser.error("--maps needs --passes: maps don't tell how long they took to train")
    if arguments.maps and not any(arguments.maps.rglob(ARRAY)):
        parser.error(f"{arguments.maps} holds no maps: run the pipeline segmentation of tailings_dams first")
    if not arguments.data.is_dir():
        parser.error(f"{arguments.data} does not exist: say with --data where the chips of tailings dams lie")
    sys.exit(main(arguments))
