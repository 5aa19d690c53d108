"""The complete chip classifier: raw reflectance in, probability of a mine out."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mining_the_mines.models.classifier_backbone import build_classifier_backbone
from mining_the_mines.models.specification import ClassifierSpec
from mining_the_mines.models.spectral_input import BandScale, SpectralInput


class MineClassifier(nn.Module):
    """A spectral input layer, a resize and a timm network in one module.

    Args:
        spec: Which network, and what it is shown.
        scale: The C bands, and how they are distributed in the chips that it is trained on.
        chip_size: Edge of the chips in pixels.
    """

    prior: Tensor

    def __init__(self, spec: ClassifierSpec, scale: BandScale, chip_size: int) -> None:
        super().__init__()
        self.input_size = spec.input_size or chip_size
        self.spectral_input = SpectralInput(scale, spec.indices)
        self.backbone = build_classifier_backbone(spec, self.spectral_input.channels, self.input_size)
        self.register_buffer("prior", torch.tensor(0.0))

    def logits(self, reflectance: Tensor) -> Tensor:
        """Log-odds of a mine, as the loss sees them: before ``prior`` is added.

        Args:
            reflectance: ``(B, C, H, W)`` float; NaN marks nodata.

        Returns:
            ``(B,)`` float.
        """
        channels = self.spectral_input(reflectance)
        if channels.shape[-2:] != (self.input_size, self.input_size):
            channels = functional.interpolate(
                channels, size=(self.input_size, self.input_size), mode="bilinear", antialias=True
            )
        logits: Tensor = self.backbone(channels)
        return logits.squeeze(1)

    def forward(self, reflectance: Tensor) -> Tensor:
        """Probability of a mine, ``(B,)`` in 0–1, for ``(B, C, H, W)`` reflectance.

        Class weights show the network as many mines as other chips. ``prior``, the log-odds of a mine among the
        training chips, takes that back (M. Saerens et al., "Adjusting the outputs of a classifier to new a priori
        probabilities", Neural Computation 14, 2002), so that probabilities mean what they say.
        """
        return (self.logits(reflectance) + self.prior).sigmoid()
