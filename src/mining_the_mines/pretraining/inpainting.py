"""An encoder goes on to learn from images without labels: it fills in what is hidden of them.

Masked image modelling as SimMIM does it (Xie et al. 2022, 10.1109/CVPR52688.2022.00943): patches of a window are
hidden, and the absolute error of the hidden pixels is minimised. Some bands are hidden altogether, and are filled
in as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import rasterio
import torch
from numpy.typing import NDArray
from rasterio.errors import RasterioIOError
from rasterio.windows import Window
from torch import Tensor, nn
from torch.nn import functional

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.training import NetworkTraining
from mining_the_mines.pretraining.augmentation import draw_band_sets
from mining_the_mines.pretraining.network import PretrainingNetwork
from mining_the_mines.pretraining.settings import InpaintingSettings, PretrainingSettings, WindowSettings
from mining_the_mines.pretraining.windows import draw_edge
from mining_the_mines.rasters.reader import RasterFormat, bands_of, open_raster, unreadable
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS

#: Images of fewer bands teach nothing of colours.
_LEAST_BANDS: Final = 3


class Pictures(NamedTuple):
    """Windows of images.

    Attributes:
        reflectance: ``(N, 12, S, S)`` float32, NaN without data.
        bands: Which bands the images have, bool ``(N, 12)``.
    """

    reflectance: Tensor
    bands: Tensor


@dataclass(frozen=True)
class Images:
    """GeoTIFFs, each with some bands of Sentinel-2.

    Attributes:
        bands: Bands of each.
        shares: Share of windows that each gives, by its edge: neither one scene nor a thousand chips shall rule.
    """

    bands: Mapping[Path, tuple[str, ...]]
    shares: NDArray[np.float64]

    def draw(self, settings: WindowSettings, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Read a random window of a random image, ``(12, S, S)``, with the bands that it has, ``(12,)``."""
        path = tuple(self.bands)[rng.choice(len(self.bands), p=self.shares)]
        with open_raster(path, RasterFormat(bands=self.bands[path])) as raster:
            height, width = raster.source.shape
            edge = draw_edge(settings, min(height, width), rng)
            left, top = int(rng.integers(width - edge + 1)), int(rng.integers(height - edge + 1))
            pixels = torch.from_numpy(raster.reflectance(Window(left, top, edge, edge)))
        mode = "area" if edge >= settings.size else "bilinear"
        shape = (settings.size, settings.size)
        present = torch.tensor([band in self.bands[path] for band in COMPETITION_BANDS])
        reflectance = torch.full((len(COMPETITION_BANDS), *shape), torch.nan)
        reflectance[present] = functional.interpolate(pixels[None], size=shape, mode=mode)[0]
        return reflectance, present


def find_images(folder: Path) -> Images:
    """Find the images in a folder.

    Raises:
        BadInputError: There are none, or one can't be read or has too few bands.
    """
    bands: dict[Path, tuple[str, ...]] = {}
    edges: list[float] = []
    chips = ChipFolder(folder)
    for path in map(chips.path, chips.filenames):
        try:
            with rasterio.open(path) as source:
                bands[path] = bands_of(source, RasterFormat())
                edges.append(float(source.width * source.height) ** 0.5)
        except RasterioIOError as error:
            raise BadInputError(unreadable(path, error)) from error
        if len(bands[path]) < _LEAST_BANDS:
            raise BadInputError(f"{path} has fewer than three bands of Sentinel-2: take it out of {folder}.")
    return Images(bands, np.array(edges) / sum(edges))


class PictureStream:
    """Batches of windows; those of an epoch depend on it and on the seed alone.

    Args:
        images: Where they come from.
        settings: How they are cut.
        first_epoch: Epoch at which the training begins.
    """

    def __init__(self, images: Images, settings: PretrainingSettings, first_epoch: int = 0) -> None:
        self.images, self.settings, self.epoch = images, settings, first_epoch
        self.sampler = self

    def set_epoch(self, epoch: int) -> None:
        """Draw for this epoch from now on; Lightning calls it of the sampler."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Batches per epoch."""
        return max(1, self.settings.inpainting.windows // self.settings.batch_size)

    def __iter__(self) -> Iterator[Pictures]:
        """Read windows."""
        rng = np.random.default_rng([self.settings.seed, self.epoch, 2])
        for _ in range(len(self)):
            drawn = [self.images.draw(self.settings.windows, rng) for _ in range(self.settings.batch_size)]
            yield Pictures(*(torch.stack(part) for part in zip(*drawn, strict=True)))


class Inpainter(nn.Module):
    """Fills in hidden pixels from the features of the encoder, by the decoder of pretraining.

    Args:
        network: Changed in place.
        channels: Of the decoder's last stage.
    """

    def __init__(self, network: PretrainingNetwork, channels: int) -> None:
        super().__init__()
        self.network = network
        self.fill = nn.Conv2d(channels, len(COMPETITION_BANDS), 3, padding=1)

    def forward(self, reflectance: Tensor, bands: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Fill in windows.

        Args:
            reflectance: ``(B, 12, S, S)``.
            bands: Bands that are shown, bool ``(B, 12)``.
            seen: Pixels that are shown, bool ``(B, 1, S, S)``.

        Returns:
            Normalised bands as they are filled in, and as they are, both ``(B, 12, S, S)``.
        """
        channels = self.network.spectral_input(reflectance)
        features = self.network.encode(channels * seen, bands)
        filled: Tensor = self.fill(self.network.backbone.decoder(features))
        return filled, channels[:, : len(COMPETITION_BANDS)]


class InpaintingTraining(NetworkTraining):
    """Optimises the network on windows of images without labels.

    Args:
        network: Changed in place.
        settings: Everything.
    """

    network: Inpainter
    settings: PretrainingSettings

    def __init__(self, network: PretrainingNetwork, settings: PretrainingSettings) -> None:
        wanted = settings.inpainting
        changed = {"epochs": wanted.epochs, "learning_rate": wanted.learning_rate, "warmup_epochs": 1}
        inpainter = Inpainter(network, settings.decoder_channels[-1])
        super().__init__(inpainter, settings.model_copy(update=changed), settings.seed)

    def training_step(self, batch: Pictures, _: int) -> Tensor:
        """Return the mean absolute error of hidden pixels, in deviations."""
        known = (batch.reflectance.isfinite() | ~batch.bands[:, :, None, None]).all(dim=1, keepdim=True)
        moved = self.augment.move(torch.cat([batch.reflectance.nan_to_num(nan=0.1), known.float()], dim=1))
        reflectance, known = self.augment.vary_light(moved[:, :-1]), moved[:, -1:] > 0.5
        drawn = draw_band_sets(len(reflectance), self.settings.windows, reflectance.device) & batch.bands
        shown = torch.where(drawn.any(dim=1, keepdim=True), drawn, batch.bands)
        seen = known & ~draw_patches(reflectance, self.settings.inpainting)
        filled, target = self.network(reflectance, shown, seen)
        asked = batch.bands[:, :, None, None] & known & ~(seen & shown[:, :, None, None])
        error: Tensor = ((filled - target).abs() * asked).sum() / asked.sum().clamp(min=1)
        self.log("inpainting_loss", error, on_step=False, on_epoch=True, batch_size=len(reflectance))
        return error


def draw_patches(images: Tensor, settings: InpaintingSettings) -> Tensor:
    """Draw the patches of images ``(B, C, S, S)`` that are hidden, bool ``(B, 1, S, S)``."""
    count, _, height, width = images.shape
    cells = (-(-height // settings.patch), -(-width // settings.patch))
    hidden = torch.rand(count, 1, *cells, device=images.device) < settings.hidden
    whole = hidden.repeat_interleave(settings.patch, dim=2).repeat_interleave(settings.patch, dim=3)
    return whole[:, :, :height, :width]
