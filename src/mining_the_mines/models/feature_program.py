"""The figures of :mod:`mining_the_mines.chips.features` once more, as a module that ``torch.export`` can follow.

What is learnt from and what is asked for later must be the same figures: each is rounded where NumPy rounds it, and
only the order of sums differs.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, nn

from mining_the_mines.chips.features import BLOCKS_AN_EDGE, Family, FeatureSettings, pixels_between_samples
from mining_the_mines.models.cover_program import CoverProgram
from mining_the_mines.sentinel2.indices import all_normalised_differences, compute_index

#: Computes a family of figures, (B, P) each, of planes (B, P, H, W).
FamilyOfTensors = Callable[[Tensor, FeatureSettings], Mapping[str, Tensor]]


class FeatureProgram(nn.Module):
    """Reflectance in, a row of figures a chip out.

    Args:
        bands: Names of the C bands.
        settings: Which features.
        columns: Names of the F features that are wanted, in order.
        chip_size: Rows and columns of the chips.

    Raises:
        BadInputError: An index or the family cover needs a band that is not among them.
    """

    order: Tensor

    def __init__(self, bands: Sequence[str], settings: FeatureSettings, columns: Sequence[str], chip_size: int) -> None:
        super().__init__()
        self.bands, self.settings = tuple(bands), settings
        self.cover = CoverProgram(bands, chip_size) if "cover" in settings.families else None
        with torch.inference_mode():
            names = list(self._figures(torch.full((1, len(bands), chip_size, chip_size), 0.2)))
        self.register_buffer("order", torch.tensor([names.index(column) for column in columns]))

    def forward(self, reflectance: Tensor) -> Tensor:
        """Compute features.

        Args:
            reflectance: float32 ``(B, C, H, W)``; NaN marks nodata.

        Returns:
            float64 ``(B, F)``; NaN where there is no data to compute one from.
        """
        return torch.stack(list(self._figures(reflectance).values()), dim=1).index_select(1, self.order)

    def _figures(self, reflectance: Tensor) -> dict[str, Tensor]:
        """Name → float64 (B,)."""
        by_name = dict(zip(self.bands, reflectance.unbind(dim=1), strict=True))
        named = by_name | {index: compute_index(index, by_name) for index in self.settings.indices}
        if self.settings.pairwise_differences:
            named |= all_normalised_differences(by_name)
        planes = torch.stack(list(named.values()), dim=1)
        figures: dict[str, Tensor] = {}
        for family in self.settings.families:
            if family == "cover":
                figures |= self.cover(reflectance) if self.cover is not None else {}
                continue
            for figure, values in FAMILIES[family](planes, self.settings).items():
                columns = values.double().unbind(dim=1)
                figures.update(zip((f"{name}_{figure}" for name in named), columns, strict=True))
        return figures


def _moments(planes: Tensor, _: FeatureSettings) -> Mapping[str, Tensor]:
    mean = _mean(planes, (2, 3))
    return {"mean": mean, "std": _deviation(planes, mean)}


def _percentiles(planes: Tensor, settings: FeatureSettings) -> Mapping[str, Tensor]:
    step = pixels_between_samples(planes.shape[-2:])
    flat = planes[:, :, ::step, ::step].flatten(start_dim=2).sort(dim=2).values  # NaN goes to the end
    last = ((~flat.isnan()).sum(dim=2, keepdim=True) - 1).clamp(min=0)
    figures = {}
    for percentile in settings.percentiles:
        place = last.double() * (percentile / 100)
        below = place.long()
        low, high = flat.gather(2, below), flat.gather(2, torch.minimum(below + 1, last))
        figures[f"p{percentile:g}"] = (low + (high - low) * (place - below)).float().squeeze(2)
    return figures


def _texture(planes: Tensor, _: FeatureSettings) -> Mapping[str, Tensor]:
    across, down = (_mean(planes.diff(dim=axis).abs(), (2, 3)) for axis in (3, 2))
    return {"texture": 0.5 * (across + down)}


def _patchiness(planes: Tensor, _: FeatureSettings) -> Mapping[str, Tensor]:
    height, width = (max(1, length // BLOCKS_AN_EDGE) for length in planes.shape[-2:])
    rows, columns = planes.shape[-2] // height, planes.shape[-1] // width
    whole = planes[:, :, : rows * height, : columns * width]
    means = _mean(whole.reshape(-1, planes.shape[1], rows, height, columns, width), (3, 5))
    return {"patchiness": _deviation(means, _mean(means, (2, 3)))}


def _deviation(planes: Tensor, mean: Tensor) -> Tensor:
    return _mean((planes - mean[:, :, None, None]).square(), (2, 3)).sqrt()


def _mean(values: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Mean over axes of the values that are not NaN, as float32; NaN where there is none."""
    valid = ~values.isnan()
    total = torch.where(valid, values, 0).sum(dim=axes, dtype=torch.float64)
    return (total / valid.sum(dim=axes)).float()


#: Name of a family → its function.
FAMILIES: Final[Mapping[Family, FamilyOfTensors]] = MappingProxyType(
    {"moments": _moments, "percentiles": _percentiles, "texture": _texture, "patchiness": _patchiness}
)
