"""Trains an encoder on simulated regions, then on images without labels; resumable at the last finished epoch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from lightning import seed_everything
from torch import Tensor
from torch.utils.data import DataLoader
from torchmetrics.classification import BinaryAUROC, BinaryJaccardIndex

from mining_the_mines.models.augmentation import ChipAugmentation
from mining_the_mines.models.encoder import load_encoder
from mining_the_mines.models.kinds import ReportEpoch, ignore_epochs
from mining_the_mines.models.spectral_input import BandScale
from mining_the_mines.models.training import (
    LAST_CHECKPOINT,
    FitPlan,
    NetworkTraining,
    Rows,
    first_epoch,
    fit_network,
    quieten_lightning,
)
from mining_the_mines.models.weight_sources import file_of_weights
from mining_the_mines.pretraining.augmentation import draw_band_sets, vary_sensor
from mining_the_mines.pretraining.inpainting import Images, InpaintingTraining, PictureStream, find_images
from mining_the_mines.pretraining.network import LEAST_MINE, PretrainingNetwork, painting_loss
from mining_the_mines.pretraining.settings import PretrainingSettings
from mining_the_mines.pretraining.windows import Windows, WindowStream, join, watched_windows
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS

_HALF = 0.5


class PretrainingTraining(NetworkTraining):
    """Optimises the network on windows of simulated regions.

    Args:
        network: Changed in place.
        settings: Everything.
    """

    network: PretrainingNetwork
    settings: PretrainingSettings

    def __init__(self, network: PretrainingNetwork, settings: PretrainingSettings) -> None:
        super().__init__(network, settings, settings.seed)
        self.augment = ChipAugmentation(settings.augmentation)
        self.iou, self.auc = BinaryJaccardIndex(), BinaryAUROC()

    def training_step(self, batch: Windows, _: int) -> Tensor:
        """Return the loss of one batch, turned, lit and seen with other bands."""
        reflectance, targets = self._move(batch)
        reflectance = vary_sensor(self.augment.vary_light(reflectance), self.settings.windows)
        bands = draw_band_sets(len(reflectance), self.settings.windows, reflectance.device)
        loss = painting_loss(self.network(reflectance, bands), *targets)
        self.log("training_loss", loss, on_step=False, on_epoch=True, batch_size=len(reflectance))
        return loss

    def _move(self, batch: Windows) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        planes = [batch.reflectance, *(part[:, None].float() for part in batch[1:])]
        moved = self.augment.move(torch.cat(planes, dim=1))
        bands = batch.reflectance.shape[1]
        return moved[:, :bands], (moved[:, bands], moved[:, bands + 1], moved[:, bands + 2])

    def validation_step(self, batch: Windows, _: int) -> None:
        """Score windows of regions that were never learnt from, with six bands."""
        shown = [band in ("B2", "B3", "B4", "B8", "B11", "B12") for band in COMPETITION_BANDS]
        bands = torch.tensor(shown, device=batch.reflectance.device).expand(len(batch.mine), -1)
        painted = self.network(batch.reflectance, bands)
        self.iou.update(painted.mine.sigmoid(), (batch.mine > _HALF).int())
        self.auc.update(painted.present, (batch.mine.mean(dim=(1, 2)) > LEAST_MINE).int())
        self.log("validation_loss", painting_loss(painted, *batch[1:]), batch_size=len(batch.mine))
        self.log("validation_iou", self.iou)
        self.log("validation_auc", self.auc)


def fit_encoder(
    settings: PretrainingSettings, folder: Path, report: ReportEpoch = ignore_epochs
) -> tuple[PretrainingNetwork, Rows]:
    """Train a network on simulated regions and images without labels, or go on from the checkpoint in a folder.

    Args:
        settings: The regions, the images, the network and how it learns.
        folder: Folder of the checkpoint.
        report: Called after each epoch.

    Returns:
        The network in evaluation mode, and one row of figures per epoch.

    Raises:
        BadInputError: The encoder to go on from or the images can't be used.
    """
    quieten_lightning()
    images = None if settings.unlabelled is None else find_images(Path(settings.unlabelled))
    start = None if settings.encoder is None else load_encoder(file_of_weights(settings.encoder))
    watched = watched_windows(settings) if settings.epochs or start is None else []
    seed_everything(settings.seed, verbose=False)
    torch.set_num_threads(settings.threads)
    network = PretrainingNetwork(settings, scale_of(watched) if start is None else start.description.scale)
    if start is not None:
        network.start_from(start)
    rows: Rows = []
    if settings.epochs:
        stream = WindowStream(settings, first_epoch(folder / LAST_CHECKPOINT))
        plan = FitPlan(PretrainingTraining(network, settings), stream, DataLoader(watched, batch_size=None))  # type: ignore[arg-type] # a list is a dataset
        rows = fit_network(plan, folder, report)
    if images is not None:
        rows = rows + _go_on(network, settings, images, folder / "inpainting", report)
    return network, rows


def _go_on(
    network: PretrainingNetwork, settings: PretrainingSettings, images: Images, folder: Path, report: ReportEpoch
) -> Rows:
    """Train on images without labels; epochs are counted on."""
    stream = PictureStream(images, settings, first_epoch(folder / LAST_CHECKPOINT))
    seed_everything(settings.seed + 1, verbose=False)
    plan = FitPlan(InpaintingTraining(network.train(), settings), stream)
    found = fit_network(plan, folder, lambda epoch, figures: report(settings.epochs + epoch, figures))
    return [{**row, "epoch": settings.epochs + row["epoch"]} for row in found]


def scale_of(windows: Sequence[Windows]) -> BandScale:
    """How the bands of windows are distributed."""
    pixels = join(list(windows)).reflectance.transpose(0, 1).flatten(1).numpy()
    low, high = np.percentile(pixels[:, ::7], [5, 95], axis=1)
    return BandScale(COMPETITION_BANDS, tuple(map(float, low)), tuple(map(float, high)))
