"""The complete segmenter: raw reflectance in, probability of a mine for each pixel out."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mining_the_mines.models.segmenter_backbone import build_segmenter_backbone, smallest_multiple
from mining_the_mines.models.specification import SegmenterSpec
from mining_the_mines.models.spectral_input import BandScale, SpectralInput


class MineSegmenter(nn.Module):
    """A spectral input layer and a segmentation network in one module, for pictures of any size.

    Args:
        spec: Which network, and at which scale it sees the ground.
        scale: The C bands, and how they are distributed in the chips that it is trained on.
    """

    def __init__(self, spec: SegmenterSpec, scale: BandScale) -> None:
        super().__init__()
        self.resolution = spec.resolution
        self.spectral_input = SpectralInput(scale, spec.indices)
        # Convolutions of pictures whose channels lie side by side are a quarter faster, on CPUs too.
        network = build_segmenter_backbone(spec, self.spectral_input.channels)
        self.backbone = network.to(memory_format=torch.channels_last)
        self.multiple = smallest_multiple(self.backbone, self.spectral_input.channels)

    def rescale(self, images: Tensor) -> Tensor:
        """Bring images ``(B, C, H, W)`` to the scale at which the network sees them.

        NaN spreads to every pixel that it has a part in.
        """
        if self.resolution == 1:
            return images
        size = [max(1, round(edge * self.resolution)) for edge in images.shape[-2:]]
        if self.resolution < 1:
            return functional.interpolate(images, size=size, mode="area")
        return functional.interpolate(images, size=size, mode="bilinear")

    def rescaled_logits(self, reflectance: Tensor) -> Tensor:
        """Log-odds of a mine at the network's own scale.

        Args:
            reflectance: ``(B, C, h, w)`` float, as :meth:`rescale` gives it; NaN marks nodata.

        Returns:
            ``(B, h, w)`` float.
        """
        channels = self.spectral_input(reflectance)
        height, width = channels.shape[-2:]
        top, left = _margin(height, self.multiple), _margin(width, self.multiple)
        padded = pad_by_reflection(channels, self.multiple).contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.backbone(padded)
        return logits[:, 0, top : top + height, left : left + width]

    def logits(self, reflectance: Tensor) -> Tensor:
        """Log-odds of a mine, ``(B, H, W)``, for ``(B, C, H, W)`` reflectance."""
        logits = self.rescaled_logits(self.rescale(reflectance))
        if logits.shape[-2:] == reflectance.shape[-2:]:
            return logits
        enlarged = functional.interpolate(logits.unsqueeze(1), size=reflectance.shape[-2:], mode="bilinear")
        return enlarged.squeeze(1)

    def forward(self, reflectance: Tensor) -> Tensor:
        """Probability of a mine.

        Args:
            reflectance: ``(B, C, H, W)`` float; NaN marks nodata.

        Returns:
            ``(B, H, W)`` in 0–1; NaN where a pixel lacks a band.
        """
        probability = self.logits(reflectance).sigmoid()
        known = reflectance.isfinite().all(dim=1)
        return torch.where(known, probability, torch.nan)


def pad_by_reflection(images: Tensor, multiple: int) -> Tensor:
    """Continue images as mirrors at their rims would, however small they are.

    Args:
        images: ``(B, C, H, W)``.
        multiple: Of what both edges are to be multiples.

    Returns:
        ``(B, C, H', W')`` with the image in the middle.
    """
    for axis in (-2, -1):
        edge = images.shape[axis]
        margin, wanted = _margin(edge, multiple), _padded(edge, multiple)
        if wanted == edge:
            continue
        # torch's own reflection refuses margins wider than the image.
        place = torch.arange(-margin, wanted - margin, device=images.device)
        period = max(1, 2 * (edge - 1))
        place = place.remainder(period)
        images = images.index_select(axis, torch.minimum(place, period - place).clamp(max=edge - 1))
    return images


def _padded(edge: int, multiple: int) -> int:
    return -(-edge // multiple) * multiple


def _margin(edge: int, multiple: int) -> int:
    return (_padded(edge, multiple) - edge) // 2
