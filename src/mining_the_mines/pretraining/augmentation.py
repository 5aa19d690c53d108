"""Windows varied as other ground, atmospheres and sensors would vary them; and sets of bands."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from mining_the_mines.pretraining.settings import WindowSettings
from mining_the_mines.sentinel2.bands import BANDS, COMPETITION_BANDS

#: Sets of bands that data often have.
_COMMON_SETS: Final = (("B2", "B3", "B4", "B8", "B11", "B12"), ("B2", "B3", "B4"), ("B2", "B3", "B4", "B8"))
#: Share of windows whose set is drawn band by band, among those that do not show all bands.
_ANY_SET: Final = 0.35
_FEWEST: Final = 3
#: Reflectance at 490 nm that a clear atmosphere adds: Rayleigh optical depth 0.155 at 490 nm (Bodhaine et al. 1999,
#: J. Atmos. Oceanic Technol. 16, 1854) and a backscattered half of it over a high sun give 0.06 to 0.1.
_AIR_LIGHT: Final = (0.04, 0.12)


def draw_band_sets(count: int, settings: WindowSettings, device: torch.device) -> Tensor:
    """Draw which bands windows show.

    Returns:
        bool ``(count, 12)``, in the order of ``COMPETITION_BANDS``.
    """
    common = torch.tensor([[band in one for band in COMPETITION_BANDS] for one in _COMMON_SETS], device=device)
    kept = torch.rand(count, 1, device=device) * 0.7 + 0.3
    order = torch.rand(count, len(COMPETITION_BANDS), device=device)
    least = order.topk(_FEWEST, dim=1, largest=False).values[:, -1:]
    single = order <= torch.maximum(kept, least)
    lot = torch.rand(count, 1, device=device)
    drawn = torch.where(lot < _ANY_SET, single, common[_draw_sets(count, device)])
    everything = torch.rand(count, 1, device=device) < settings.all_bands
    return drawn | everything


def _draw_sets(count: int, device: torch.device) -> Tensor:
    shares = torch.tensor([0.55, 0.3, 0.15], device=device)
    return torch.multinomial(shares, count, replacement=True)


def vary_sensor(reflectance: Tensor, settings: WindowSettings) -> Tensor:
    """Blur windows ``(B, 12, S, S)``, add noise, and see some of them through a clear atmosphere."""
    count, device = len(reflectance), reflectance.device
    if settings.air_light:
        reflectance = reflectance + _air_light(count, settings, device)
    if settings.blur:
        reflectance = _blur(reflectance, settings.blur)
    if settings.noise:
        deviation = torch.rand(count, 1, 1, 1, device=device) ** 2 * settings.noise
        reflectance = reflectance + deviation * torch.randn_like(reflectance)
    return reflectance


def _air_light(count: int, settings: WindowSettings, device: torch.device) -> Tensor:
    wavelength = torch.tensor([BANDS[band].wavelength for band in COMPETITION_BANDS], device=device)
    low, high = _AIR_LIGHT
    amount = low + (high - low) * torch.rand(count, 1, device=device)
    seen = torch.rand(count, 1, device=device) < settings.air_light
    return (amount * seen * (wavelength / 490) ** -4)[:, :, None, None]


def _blur(images: Tensor, most: float) -> Tensor:
    """Blur each image with three taps of a Gaussian of its own."""
    count, bands, height, width = images.shape
    sigma = torch.rand(count, device=images.device).clamp(min=1e-3) * most
    side = (-0.5 / sigma**2).exp()
    taps = torch.stack([side, torch.ones_like(side), side], dim=1)
    taps = taps / taps.sum(dim=1, keepdim=True)
    kernels = (taps[:, :, None] * taps[:, None, :]).repeat_interleave(bands, dim=0)[:, None]
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    flat = padded.reshape(1, count * bands, height + 2, width + 2)
    return functional.conv2d(flat, kernels, groups=count * bands).view(count, bands, height, width)
