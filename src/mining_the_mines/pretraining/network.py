"""The network of pretraining: an encoder that knows which bands are missing, and a decoder for dense targets."""

import re
from typing import Any, Final, NamedTuple

import segmentation_models_pytorch as smp
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.encoder import MISSING, Encoder
from mining_the_mines.models.spectral_input import BandScale, SpectralInput
from mining_the_mines.pretraining.settings import PretrainingSettings
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.indices import required_bands
from mining_the_mines.simulation.canvas import Cover
from mining_the_mines.simulation.spectra import Material

#: Networks that give features flatten the names of their stages.
_STAGE: Final = re.compile(r"^stages_(\d+)\.")
#: Share of a window from which on it counts as one with a mine.
LEAST_MINE: Final = 0.01


class Painted(NamedTuple):
    """Logits for each pixel of windows.

    Attributes:
        cover: ``(B, covers, S, S)``.
        material: ``(B, materials, S, S)``.
        mine: ``(B, S, S)``.
        present: Whether the window holds a mine, ``(B,)``.
    """

    cover: Tensor
    material: Tensor
    mine: Tensor
    present: Tensor


class BandAwareConvolution(nn.Module):
    """A first convolution that adds a learnt vector for each channel that is missing.

    Args:
        convolution: Takes C channels.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution
        self.missing = nn.Parameter(torch.zeros(convolution.in_channels, convolution.out_channels))

    def forward(self, images: Tensor) -> Tensor:
        """Filter ``(B, 2C, H, W)``: C channels, and C planes of 1 where the channel is there and 0 where it is not."""
        channels = self.convolution.in_channels
        there = images[:, channels:, 0, 0]
        filtered: Tensor = self.convolution(images[:, :channels] * there[:, :, None, None])
        return filtered + ((1 - there) @ self.missing)[:, :, None, None]


class PretrainingNetwork(nn.Module):
    """Paints cover, material and mines on windows of any set of bands.

    Args:
        settings: Architecture.
        scale: The twelve bands, and how they are distributed.
    """

    index_needs: Tensor

    def __init__(self, settings: PretrainingSettings, scale: BandScale) -> None:
        super().__init__()
        self.scale = scale
        self.spectral_input = SpectralInput(scale, settings.indices)
        channels = self.spectral_input.channels
        self.counts = (len(Cover), len(Material), 1)
        self.backbone = smp.create_model(
            "unet",
            f"tu-{settings.architecture}",
            encoder_weights=None,
            encoder_depth=len(settings.decoder_channels),
            decoder_channels=settings.decoder_channels,
            in_channels=channels,
            classes=sum(self.counts),
            **_of_encoder(settings),
        ).to(memory_format=torch.channels_last)
        self.stem = _replace_first(self.backbone.encoder, channels)
        width = self.backbone.encoder.out_channels[-1]
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 1)
        needs = [[band in required_bands(index) for band in scale.bands] for index in settings.indices]
        self.register_buffer("index_needs", torch.tensor(needs).view(-1, len(scale.bands)), persistent=False)

    def forward(self, reflectance: Tensor, bands: Tensor) -> Painted:
        """Paint windows.

        Args:
            reflectance: ``(B, 12, S, S)``.
            bands: Which bands are there, bool ``(B, 12)``; the others are not looked at.
        """
        features = self.encode(self.spectral_input(reflectance), bands)
        logits = self.backbone.segmentation_head(self.backbone.decoder(features))
        cover, material, mine = logits.split(self.counts, dim=1)
        pooled = self.norm(features[-1].mean(dim=(2, 3)))
        return Painted(cover, material, mine[:, 0], self.head(pooled)[:, 0])

    def encode(self, channels: Tensor, bands: Tensor) -> list[Tensor]:
        """Features of each stage of the encoder.

        Args:
            channels: Normalised bands and indices, ``(B, C, S, S)``.
            bands: Which bands are there, bool ``(B, 12)``.
        """
        indices = ~(self.index_needs[None] & ~bands[:, None]).any(dim=2)
        there = torch.cat([bands, indices], dim=1).to(channels.dtype)
        planes = there[:, :, None, None].expand_as(channels)
        images = torch.cat([channels, planes], dim=1).contiguous(memory_format=torch.channels_last)
        features: list[Tensor] = self.backbone.encoder(images)
        return features

    def start_from(self, encoder: Encoder) -> None:
        """Take the weights of an encoder.

        Raises:
            BadInputError: They are those of another network.
        """
        own = self.encoder_weights() | {MISSING: self.stem.missing.detach()}
        about, theirs = encoder.description, encoder.weights
        fits = about.channels == (*COMPETITION_BANDS, *self.spectral_input.indices) and own.keys() == theirs.keys()
        if not fits or any(tensor.shape != theirs[name].shape for name, tensor in own.items()):
            raise BadInputError(
                f"The encoder {about.name} ({about.architecture}) differs from pretraining.architecture, .overrides or "
                f".indices: give those that it was made with, or set pretraining.encoder to null."
            )
        for name, tensor in own.items():
            tensor.copy_(theirs[name])

    def encoder_weights(self) -> dict[str, Tensor]:
        """The encoder's tensors, named as in the timm network without its head."""
        own = {
            name.replace(".convolution.", "."): tensor.detach()
            for name, tensor in self.backbone.encoder.model.state_dict().items()
            if not name.endswith(".missing")
        }
        pooled = {f"norm.{name}": tensor.detach() for name, tensor in self.norm.state_dict().items()}
        return {_STAGE.sub(r"stages.\1.", name): tensor for name, tensor in own.items()} | pooled


def _of_encoder(settings: PretrainingSettings) -> dict[str, Any]:
    """Arguments of a timm classifier that its encoder takes, too."""
    options = {name: value for name, value in settings.options.items() if name != "drop_rate"}
    published = timm.get_pretrained_cfg(settings.architecture)
    if published is not None and published.fixed_input_size:
        options.setdefault("img_size", settings.windows.size)  # attention windows are laid out for one size
    return options


def _replace_first(encoder: nn.Module, channels: int) -> BandAwareConvolution:
    """Make the encoder's first convolution one that knows which bands are missing."""
    for name, module in encoder.named_modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == channels:
            parent, _, leaf = name.rpartition(".")
            stem = BandAwareConvolution(module)
            setattr(encoder.get_submodule(parent), leaf, stem)
            return stem
    raise ValueError("The encoder begins with no convolution.")


def painting_loss(painted: Painted, cover: Tensor, material: Tensor, mine: Tensor) -> Tensor:
    """Cross-entropy of covers and materials; binary cross-entropy and Dice of mines; presence of a mine.

    Args:
        painted: Logits.
        cover: ``(B, S, S)`` integers.
        material: ``(B, S, S)`` integers.
        mine: Share of mine, ``(B, S, S)``.
    """
    entropy = functional.cross_entropy(painted.cover, cover.long())
    entropy = entropy + 0.5 * functional.cross_entropy(painted.material, material.long())
    probability = painted.mine.sigmoid()
    overlap = 1 - (2 * (probability * mine).sum() + 1) / (probability.sum() + mine.sum() + 1)
    found = functional.binary_cross_entropy_with_logits(painted.mine, mine)
    there = (mine.mean(dim=(1, 2)) > LEAST_MINE).to(mine.dtype)
    presence = functional.binary_cross_entropy_with_logits(painted.present, there)
    return entropy + found + overlap + 0.5 * presence
