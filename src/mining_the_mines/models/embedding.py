"""Features of chips by an encoder, for models that learn from tables."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from mining_the_mines.chips.features import FeatureSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.classifier_network import ClassifierNetwork, classifier_backbone
from mining_the_mines.models.networks import ClassifierSpec
from mining_the_mines.models.pretrained import find_weights
from mining_the_mines.models.spectral_input import empty_scale
from mining_the_mines.models.weight_sources import network_of_weights
from mining_the_mines.sentinel2.indices import required_bands

#: Features are multiples of this. The last bits of a network's sums differ from batch to batch, and thresholds of trees
#: are values of training chips.
STEP: Final = 1 / 1024
#: Chips are resized to a multiple of so many pixels: the encoder that ships sees windows of 4 pixels at a stride of 16.
_SIZE_STEP: Final = 64


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
        features = self.network.outputs(reflectance[:, self.places])
        return (features / STEP).round() * STEP


def build_embedding(settings: FeatureSettings, bands: Sequence[str], chip_size: int) -> Embedding | None:
    """Build the encoder of the family embedding, or none if that family is not wanted."""
    if "embedding" not in settings.families or settings.encoder is None:
        return None
    return Embedding(settings.encoder, bands, chip_size)
