"""The first layer of every network: raw reflectance in, normalised bands and spectral indices out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mining_the_mines.chips.statistics import BandStatistics
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.sentinel2.indices import compute_index, required_bands

#: Added before the logarithm, in reflectance: sensor noise over dark water is about as large, and must not be blown up.
FLOOR = 0.01
#: Deviations from the middle at which inputs are cut off: the brightness of glints and clouds carries no information.
LIMIT = 5.0
#: Standard deviations between the 5th and the 95th percentile of a normal distribution.
DEVIATIONS_5_TO_95 = 3.29


@dataclass(frozen=True)
class BandScale:
    """How the bands of the training chips are distributed.

    Attributes:
        bands: Names of the bands, in the order in which they arrive.
        low: Reflectance of each that 5 % of the pixels do not exceed.
        high: Reflectance of each that 95 % of the pixels do not exceed.
        logarithmic: Whether the network sees the logarithm of reflectance, or reflectance itself.
    """

    bands: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    logarithmic: bool = True

    def replaced_by(self, other: "BandScale") -> "BandScale":
        """The same bands on the scale of another where it has them, and in its kind of numbers."""
        theirs = {band: ends for band, *ends in zip(other.bands, other.low, other.high, strict=True)}
        own = zip(self.bands, self.low, self.high, strict=True)
        ends = [theirs.get(band, [low, high]) for band, low, high in own]
        low, high = (tuple(values) for values in zip(*ends, strict=True))
        return BandScale(self.bands, low, high, other.logarithmic)


def band_scale(statistics: BandStatistics) -> BandScale:
    """Ranges of the bands of the training chips."""
    percentiles = statistics.percentiles
    return BandScale(statistics.bands, percentiles["p5"], percentiles["p95"])


def empty_scale(bands: tuple[str, ...]) -> BandScale:
    """Ranges that the buffers of stored weights replace."""
    return BandScale(bands, (0.0,) * len(bands), (1.0,) * len(bands))


class SpectralInput(nn.Module):
    """Normalises the logarithm of reflectance by the statistics of the training chips and appends spectral indices.

    Sun height, slope and haze scale reflectance: in the logarithm they shift it, the same for all covers. Percentiles
    are used because they stay percentiles under the logarithm, and because a few clouds can't move them. A network that
    starts from weights of another origin is shown the scale of that origin, which may be one of plain reflectance.

    The statistics and the kind of numbers are saved with the weights, so they can't drift apart from them.

    Args:
        scale: Bands, and how they are distributed.
        indices: Names of the I spectral indices to append.

    Raises:
        BadInputError: An index needs a band that is not among them.
    """

    middle: Tensor
    deviation: Tensor

    def __init__(self, scale: BandScale, indices: Sequence[str]) -> None:
        super().__init__()
        for index in indices:
            missing = [band for band in required_bands(index) if band not in scale.bands]
            if missing:
                raise BadInputError(
                    f"The index {index} needs {', '.join(missing)}, which the chips lack: take it out of the parameter "
                    f"network.indices, or add the bands to imagery.bands."
                )
        self.bands = scale.bands
        self.indices = tuple(indices)
        self.logarithmic = scale.logarithmic
        low, high = self._scaled(_column(scale.low)), self._scaled(_column(scale.high))
        self.register_buffer("middle", (low + high) / 2)
        self.register_buffer("deviation", ((high - low) / DEVIATIONS_5_TO_95).clamp(min=1e-3))

    @property
    def channels(self) -> int:
        """Number of channels that come out."""
        return len(self.bands) + len(self.indices)

    def forward(self, reflectance: Tensor) -> Tensor:
        """Turn reflectance into network input.

        Args:
            reflectance: ``(B, C, H, W)`` float; NaN marks nodata.

        Returns:
            ``(B, C + I, H, W)``: bands in deviations from the middle of the training chips, indices as they are; pixels
            that lack a band are 0 in every channel.
        """
        valid = reflectance.sum(dim=1, keepdim=True).isfinite()  # a sum over bands is cheaper than a test of each
        # Most ground is whole, and each pass over all pixels takes longer than its arithmetic.
        whole = not torch.compiler.is_exporting() and bool(valid.all())
        if not whole:
            reflectance = torch.where(valid, reflectance, 1.0)
        normalised = (self._scaled(reflectance) - self.middle).div_(self.deviation).clamp_(-LIMIT, LIMIT)
        planes = {band: reflectance[:, position] for position, band in enumerate(self.bands)}
        indices = [compute_index(name, planes).unsqueeze(1) for name in self.indices]
        channels = torch.cat([normalised, *indices], dim=1)
        return channels if whole else channels.masked_fill_(~valid, 0.0)

    def get_extra_state(self) -> Tensor:
        """The kind of numbers, saved with the weights."""
        return torch.tensor(self.logarithmic)

    def set_extra_state(self, state: Tensor) -> None:
        """Take over the kind of numbers that stored weights belong to."""
        self.logarithmic = bool(state)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *others: Any) -> None:  # noqa: ANN401
        """Load weights; those of versions that knew only the logarithm don't say so."""
        state_dict.setdefault(f"{prefix}_extra_state", torch.tensor(data=True))
        super()._load_from_state_dict(state_dict, prefix, *others)

    def _scaled(self, reflectance: Tensor) -> Tensor:
        if not self.logarithmic:
            return reflectance
        # In place: new arrays for each step of this take longer than the arithmetic.
        return reflectance.clamp(min=0).add_(FLOOR).log_()


def _column(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1)
