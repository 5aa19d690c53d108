"""The first layer of every network: raw reflectance in, normalised bands and spectral indices out."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mining_the_mines.bad_input import BadInputError
from mining_the_mines.sentinel2.indices import compute_index, required_bands


@dataclass(frozen=True)
class BandScale:
    """How the bands of the training chips are distributed.

    Attributes:
        bands: Names of the bands, in the order in which they arrive.
        mean: Mean reflectance of each.
        deviation: Standard deviation of each.
    """

    bands: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


class SpectralInput(nn.Module):
    """Normalises reflectance by the statistics of the training chips and appends spectral indices.

    The statistics are buffers, so they are saved with the weights and can't drift apart from them.

    Args:
        scale: Bands, and how they are distributed.
        indices: Names of the I spectral indices to append.

    Raises:
        BadInputError: An index needs a band that is not among them.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, scale: BandScale, indices: Sequence[str]) -> None:
        super().__init__()
        for index in indices:
            missing = [band for band in required_bands(index) if band not in scale.bands]
            if missing:
                raise BadInputError(
                    f"The index {index} needs {', '.join(missing)}, which the chips lack: take it out of the parameter "
                    f"training.network.indices, or add the bands to imagery.bands."
                )
        self.bands = scale.bands
        self.indices = tuple(indices)
        self.register_buffer("mean", _column(scale.mean))
        self.register_buffer("deviation", _column([max(value, 1e-4) for value in scale.deviation]))

    @property
    def channels(self) -> int:
        """Number of channels that come out."""
        return len(self.bands) + len(self.indices)

    def forward(self, reflectance: Tensor) -> Tensor:
        """Turn reflectance into network input.

        Args:
            reflectance: ``(B, C, H, W)`` float; NaN marks nodata.

        Returns:
            ``(B, C + I, H, W)``: bands in deviations from the mean of the training chips, indices as they are; pixels
            that lack a band are 0 in every channel.
        """
        valid = torch.isfinite(reflectance).all(dim=1, keepdim=True)
        reflectance = torch.where(valid, reflectance, self.mean)
        normalised = (reflectance - self.mean) / self.deviation
        planes = {band: reflectance[:, position] for position, band in enumerate(self.bands)}
        indices = [compute_index(name, planes).unsqueeze(1) for name in self.indices]
        stacked = torch.cat([normalised, *indices], dim=1)
        return torch.where(valid, stacked, torch.zeros_like(stacked))


def _column(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)
