"""Features of chips by an encoder, for models that learn from tables."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from mining_the_mines.chips.features import FeatureSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.classifier_network import (
    LARGEST_STRIDE,
    ClassifierNetwork,
    build_classifier_backbone,
    classifier_backbone,
)
from mining_the_mines.models.networks import ClassifierSpec
from mining_the_mines.models.pretrained import find_weights, start_from
from mining_the_mines.models.spectral_input import BandScale, SpectralInput, empty_scale
from mining_the_mines.models.weight_sources import IMAGENET, named_weights, network_of_weights
from mining_the_mines.sentinel2.indices import required_bands

#: Features are multiples of this. The last bits of a network's sums differ from batch to batch, and thresholds of trees
#: are values of training chips.
STEP: Final = 1 / 1024
#: Chips are resized to a multiple of so many pixels: the encoder that ships sees windows of 4 pixels at a stride of 16.
_SIZE_STEP: Final = 64
#: Bands that stand for red, green and blue: natural colour, and two false ones in which bare ground, water and plants
#: differ most.
PICTURES: Final = (("B4", "B3", "B2"), ("B11", "B8", "B4"), ("B12", "B11", "B8"))
#: The scale of pictures: percentiles 5 and 95 of simulated ground of many provinces. They are fixed, and not those of
#: the training chips, so that features mean the same everywhere; others would change the features of stored models.
_SCALE: Final = BandScale(
    bands=("B2", "B3", "B4", "B8", "B11", "B12"),
    low=(0.0302918, 0.0491880, 0.0289063, 0.1156176, 0.1036317, 0.0467064),
    high=(0.1208278, 0.1656384, 0.2144137, 0.4015874, 0.4028243, 0.3160922),
)
#: Pictures are enlarged so many times: the textures that ImageNet's networks know are finer than pixels of ten metres.
#: On the Amazon chips in folds 300 km apart, a logistic regression on the features reaches an AUC of 0.920 without
#: enlarging, 0.923 with two times and 0.939 with four.
_ENLARGEMENT: Final = 4
#: Larger pictures are not enlarged; they would take too long.
_LARGEST_PICTURE: Final = 512


class Embedding(nn.Module):
    """The deepest features of an encoder, averaged over a chip.

    The encoder sees the bands that it knows, on its own scale; bands that the chips lack are missing to it as to a
    network that starts from it.

    Args:
        weights: Name or file, as for ``pretrained`` of networks.
        bands: Names of the C bands of the chips.
        chip_size: Edge of the chips in pixels.

    Raises:
        BadInputError: The weights can't be had, have no scale of their own, or know none of the bands.
    """

    def __init__(self, weights: str, bands: Sequence[str], chip_size: int) -> None:
        super().__init__()
        architecture, overrides = network_of_weights(weights)
        size = max(1, round(chip_size / _SIZE_STEP)) * _SIZE_STEP
        stated: dict[str, Any] = {"architecture": architecture, "overrides": overrides, "pretrained": weights}
        spec = ClassifierSpec(**stated, input_size=size, indices=())
        first = find_weights(spec, classifier_backbone(spec, size))
        if first is None or first.scale is None:
            raise BadInputError(
                f"The weights {weights} have no scale of their own, so they give no features: set features.encoder to "
                f"simulated, csmask or a file of an encoder."
            )
        known = tuple(band for band in bands if band in first.source.bands)
        if not known:
            raise BadInputError(
                f"The weights of {first.source.title} know {', '.join(first.source.bands)}, and the chips have none of "
                f"these bands: name another source in features.encoder, or take embedding out of features.families."
            )
        possible = [name for name in first.channels if name not in first.source.bands]
        indices = tuple(name for name in possible if set(required_bands(name)) <= set(bands))
        spec = spec.model_copy(update={"indices": indices})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.network = ClassifierNetwork(spec, empty_scale(known), chip_size)
        self.network.backbone.reset_classifier(0)  # type: ignore[operator] # of timm's networks, and of ours
        self.places = [list(bands).index(band) for band in known]
        self.eval()

    def forward(self, reflectance: Tensor) -> Tensor:
        """Features ``(B, D)`` of reflectance ``(B, C, H, W)``; NaN marks nodata."""
        return _rounded(self.network.outputs(reflectance[:, self.places]))


class PictureEmbedding(nn.Module):
    """The features of every stage of a network that knows photographs: their mean and deviation over a chip.

    The network sees a chip as up to three pictures, those of :data:`PICTURES` whose bands are there.

    Args:
        bands: Names of the C bands of the chips.
        chip_size: Edge of the chips in pixels.

    Raises:
        BadInputError: The chips have the bands of no picture.
    """

    def __init__(self, bands: Sequence[str], chip_size: int) -> None:
        super().__init__()
        pictures = [picture for picture in PICTURES if set(picture) <= set(bands)]
        if not pictures:
            possible = " or ".join(", ".join(picture) for picture in PICTURES)
            raise BadInputError(
                f"The encoder imagenet sees {possible} as a picture, and the chips lack bands of each: name another "
                f"source in features.encoder, or take embedding out of features.families."
            )
        known = tuple(band for band in bands if any(band in picture for picture in pictures))
        self.places = [list(bands).index(band) for band in known]
        self.pictures = [[known.index(band) for band in picture] for picture in pictures]
        self.spectral_input = SpectralInput(empty_scale(known).replaced_by(_SCALE), indices=())
        self.size = picture_size(chip_size)
        architecture, _ = network_of_weights("imagenet")
        spec = ClassifierSpec(architecture=architecture, pooling="statistics")
        colours = IMAGENET.bands
        with torch.random.fork_rng(devices=[]):
            network = build_classifier_backbone(spec, len(colours), self.size)
        start_from(network, named_weights("imagenet", classifier_backbone(spec, self.size)), colours)
        network.head = nn.Identity()
        self.network = network.to(memory_format=torch.channels_last)
        self.eval()

    def forward(self, reflectance: Tensor) -> Tensor:
        """Features ``(B, D)`` of reflectance ``(B, C, H, W)``; NaN marks nodata."""
        channels = self.spectral_input(reflectance[:, self.places])
        channels = functional.interpolate(channels, size=(self.size, self.size), mode="bilinear")
        seen = [channels[:, places].contiguous(memory_format=torch.channels_last) for places in self.pictures]
        return _rounded(torch.cat([self.network(picture) for picture in seen], dim=1))


def picture_size(chip_size: int) -> int:
    """Edge in pixels of the pictures of chips."""
    size = min(_ENLARGEMENT * chip_size, max(chip_size, _LARGEST_PICTURE))
    return -(-size // LARGEST_STRIDE) * LARGEST_STRIDE


def _rounded(features: Tensor) -> Tensor:
    return (features / STEP).round() * STEP


def build_embedding(
    settings: FeatureSettings, bands: Sequence[str], chip_size: int
) -> Embedding | PictureEmbedding | None:
    """Build the encoder of the family embedding, or none if that family is not wanted."""
    if "embedding" not in settings.families or settings.encoder is None:
        return None
    if settings.encoder == "imagenet":
        return PictureEmbedding(bands, chip_size)
    return Embedding(settings.encoder, bands, chip_size)
