"""Random variations of whole batches on the device they are on."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mining_the_mines.models.networks import AugmentationSettings


class ChipAugmentation(nn.Module):
    """Varies chips as other places, seasons and atmospheres would.

    Random numbers come from torch's global generator, which the training seeds anew at every epoch.
    """

    def __init__(self, settings: AugmentationSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, reflectance: Tensor) -> Tensor:
        """Vary each chip on its own.

        Args:
            reflectance: ``(B, C, H, W)`` with H = W; NaN marks nodata and stays NaN.

        Returns:
            The same shape.
        """
        return self.vary_light(self.move(reflectance))

    def move(self, images: Tensor) -> Tensor:
        """Turn, mirror, zoom and shift ``(B, C, H, W)``; masks that lie on a chip go along as a further channel."""
        symmetries = draw_symmetries(len(images), images.device) if self.settings.symmetries else None
        if self.settings.rotation or self.settings.scale or self.settings.shift:
            return resample(images, self.settings, symmetries)
        return images if symmetries is None else turn_and_mirror(images, symmetries)

    def vary_light(self, reflectance: Tensor) -> Tensor:
        """Change brightness and colours as other days would; see :class:`AugmentationSettings`."""
        reflectance = self._light(reflectance)
        if self.settings.band_dropout:
            reflectance = drop_bands(reflectance, self.settings.band_dropout)
        return reflectance

    def _light(self, reflectance: Tensor) -> Tensor:
        chips, bands = reflectance.shape[:2]
        shared = torch.randn(chips, 1, 1, 1, device=reflectance.device) * self.settings.brightness
        single = torch.randn(chips, bands, 1, 1, device=reflectance.device)
        offset = torch.randn_like(single) * self.settings.offset
        return reflectance * (shared + single * self.settings.gain).exp() + offset


def draw_symmetries(count: int, device: torch.device) -> Tensor:
    """Draw one of the eight symmetries of the square for each of some images.

    Returns:
        bool ``(3, count)``: mirror columns, mirror rows, then swap both axes.
    """
    return torch.rand(3, count, device=device) < 0.5


def turn_and_mirror(images: Tensor, symmetries: Tensor) -> Tensor:
    """Apply symmetries of :func:`draw_symmetries` to images ``(B, C, H, W)``."""
    chosen = symmetries[:, :, None, None, None]
    images = torch.where(chosen[0], images.flip(-1), images)
    images = torch.where(chosen[1], images.flip(-2), images)
    return torch.where(chosen[2], images.transpose(-2, -1), images)


def resample(images: Tensor, settings: AugmentationSettings, symmetries: Tensor | None = None) -> Tensor:
    """Zoom, move and turn each image of ``(B, C, H, W)`` bilinearly, mirrored at the rim.

    Symmetries of :func:`draw_symmetries` are applied by the same interpolation: copies of the images cost more.
    """
    count = len(images)
    zoom = 1 + (torch.rand(count, device=images.device) * 2 - 1) * settings.scale
    move = (torch.rand(count, 2, device=images.device) * 2 - 1) * settings.shift * 2  # the grid runs from -1 to 1
    matrices = torch.zeros(count, 2, 3, device=images.device)
    matrices[:, 0, 0] = zoom
    matrices[:, 1, 1] = zoom
    matrices[:, :, 2] = move
    if settings.rotation:
        angle = (torch.rand(count, device=images.device) * 2 - 1) * torch.pi * settings.rotation
        matrices[:, 0, 0], matrices[:, 0, 1] = zoom * angle.cos(), -zoom * angle.sin()
        matrices[:, 1, 0], matrices[:, 1, 1] = zoom * angle.sin(), zoom * angle.cos()
    if symmetries is not None:
        matrices = _symmetry_matrices(symmetries) @ matrices
    grid = functional.affine_grid(matrices, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _symmetry_matrices(symmetries: Tensor) -> Tensor:
    """Matrices ``(B, 2, 2)`` that take coordinates of the turned image to those of the image."""
    signs, swapped = 1.0 - 2.0 * symmetries[:2], symmetries[2].float()
    rows = [
        torch.stack([sign * on, sign * off], dim=1)
        for sign, on, off in zip(signs, (1 - swapped, swapped), (swapped, 1 - swapped), strict=True)
    ]
    return torch.stack(rows, dim=1)


def drop_bands(images: Tensor, probability: float) -> Tensor:
    """Replace single bands of single images of ``(B, C, H, W)`` by the band's mean over the batch."""
    chip, band = torch.nonzero(torch.rand(images.shape[:2], device=images.device) < probability, as_tuple=True)
    mean = images.nanmean(dim=(0, 2, 3))[band, None, None]
    replaced, planes = images.clone(), images[chip, band]
    replaced[chip, band] = torch.where(planes.isfinite(), mean, planes)
    return replaced


def mix_up(images: Tensor, targets: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Mix each image of ``(B, C, H, W)`` and its target, ``(B,)`` or ``(B, H, W)``, with another of the batch."""
    beta = torch.distributions.Beta(alpha, alpha).sample((len(images),)).to(images.device)
    share = torch.maximum(beta, 1 - beta)  # the first image stays the larger part
    order = torch.randperm(len(images), device=images.device)
    return _mixed(images, order, share), _mixed(targets, order, share)


def _mixed(values: Tensor, order: Tensor, share: Tensor) -> Tensor:
    weight = share.view(-1, *[1] * (values.ndim - 1))
    return weight * values + (1 - weight) * values[order]
