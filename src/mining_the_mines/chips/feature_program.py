"""A row of figures a chip, as a module that ``torch.export`` can follow.

A *plane* is a band or a spectral index of a chip, (height, width). Features come in families, each a function from
planes to figures; which families are computed is a parameter.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, nn

from mining_the_mines.chips.cover import CoverProgram, sort_last
from mining_the_mines.chips.features import Family, FeatureSettings, check_features
from mining_the_mines.sentinel2.indices import all_normalised_differences, compute_index

#: Percentiles of a larger chip are taken of a regular sample of its pixels: sorting all of them would take longest.
_SIDE_FOR_PERCENTILES: Final = 256
#: Blocks along an edge of a chip whose means tell how patchy it is.
_BLOCKS_AN_EDGE: Final = 8

#: Computes a family of figures, (B, P) each, of planes (B, P, H, W).
FamilyFunction = Callable[[Tensor, FeatureSettings], Mapping[str, Tensor]]


class FeatureProgram(nn.Module):
    """Computes the features of chips.

    Args:
        bands: Names of the C bands.
        settings: Which features.
        chip_size: Rows and columns of the chips.
        embedding: Encoder of the family embedding: reflectance ``(B, C, H, W)`` to features ``(B, D)``.

    Attributes:
        names: Names of the F features, such as ``B4_mean`` and ``NDVI_p98``, in the order of the output.

    Raises:
        BadInputError: An index is unknown, or an index or the family cover needs a band that is not among the bands.
    """

    def __init__(
        self, bands: Sequence[str], settings: FeatureSettings, chip_size: int, embedding: nn.Module | None = None
    ) -> None:
        super().__init__()
        check_features(settings, bands)
        self.bands, self.settings = tuple(bands), settings
        self.cover = CoverProgram(bands, chip_size) if "cover" in settings.families else None
        self.embedding = embedding
        with torch.inference_mode():
            self.names = tuple(self._figures(torch.full((1, len(bands), chip_size, chip_size), 0.2)))

    def forward(self, reflectance: Tensor) -> Tensor:
        """Compute features.

        Args:
            reflectance: float32 ``(B, C, H, W)``; NaN marks nodata.

        Returns:
            float64 ``(B, F)``, rounded to float32 as feature tables are: many thresholds of trees are values of
            training chips. NaN where there is no data to compute a figure from.
        """
        return torch.stack(list(self._figures(reflectance).values()), dim=1).float().double()

    def _figures(self, reflectance: Tensor) -> dict[str, Tensor]:
        """Name → float64 (B,)."""
        by_name = dict(zip(self.bands, reflectance.unbind(dim=1), strict=True))
        named = by_name | {index: compute_index(index, by_name) for index in self.settings.indices}
        if self.settings.pairwise_differences:
            named |= all_normalised_differences(by_name)
        planes = torch.stack(list(named.values()), dim=1) if len(named) > len(self.bands) else reflectance
        figures: dict[str, Tensor] = {}
        for family in self.settings.families:
            if family == "cover":
                figures |= self.cover(reflectance) if self.cover is not None else {}
                continue
            if family == "embedding":
                vectors = self.embedding(reflectance).double().unbind(dim=1) if self.embedding is not None else ()
                figures |= {f"embedding_{number}": values for number, values in enumerate(vectors)}
                continue
            for figure, values in FAMILIES[family](planes, self.settings).items():
                columns = values.double().unbind(dim=1)
                figures.update(zip((f"{name}_{figure}" for name in named), columns, strict=True))
        return figures


def _moments(planes: Tensor, _: FeatureSettings) -> Mapping[str, Tensor]:
    mean = _mean(planes, (2, 3))
    return {"mean": mean, "std": _deviation(planes, mean)}


def _percentiles(planes: Tensor, settings: FeatureSettings) -> Mapping[str, Tensor]:
    """Percentiles, with linear interpolation; of every second, third … row and column of a large chip."""
    step = -(-max(planes.shape[-2:]) // _SIDE_FOR_PERCENTILES)
    flat = sort_last(planes[:, :, ::step, ::step].flatten(start_dim=2))
    last = ((~flat.isnan()).sum(dim=2, keepdim=True) - 1).clamp(min=0)
    figures = {}
    for percentile in settings.percentiles:
        place = last.double() * (percentile / 100)
        below = place.long()
        low, high = flat.gather(2, below), flat.gather(2, torch.minimum(below + 1, last))
        figures[f"p{percentile:g}"] = (low + (high - low) * (place - below)).float().squeeze(2)
    return figures


def _texture(planes: Tensor, _: FeatureSettings) -> Mapping[str, Tensor]:
    """Mean absolute difference of neighbouring pixels: pits, heaps and roads are rougher than forest and fields."""
    across, down = (_mean(planes.diff(dim=axis).abs_(), (2, 3)) for axis in (3, 2))
    return {"texture": 0.5 * (across + down)}


def _patchiness(planes: Tensor, _: FeatureSettings) -> Mapping[str, Tensor]:
    """Deviation of the means of an 8 × 8 grid of blocks: large patches leave it high, fine texture averages out."""
    height, width = (max(1, length // _BLOCKS_AN_EDGE) for length in planes.shape[-2:])
    rows, columns = planes.shape[-2] // height, planes.shape[-1] // width
    whole = planes[:, :, : rows * height, : columns * width]
    means = _mean(whole.reshape(-1, planes.shape[1], rows, height, columns, width), (3, 5))
    return {"patchiness": _deviation(means, _mean(means, (2, 3)))}


def _deviation(planes: Tensor, mean: Tensor) -> Tensor:
    return _mean((planes - mean[:, :, None, None]).square_(), (2, 3)).sqrt()


def _mean(values: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Mean over axes of the values that are not NaN, float32; NaN where there is none."""
    total = values.sum(dim=axes)
    if not torch.compiler.is_exporting() and not total.isnan().any():
        return total / (values.numel() // total.numel())  # the same number, for a third of the passes over all pixels
    valid = ~values.isnan()
    return torch.where(valid, values, 0).sum(dim=axes) / valid.sum(dim=axes)


#: Name of a family → its function.
FAMILIES: Final[Mapping[Family, FamilyFunction]] = MappingProxyType(
    {"moments": _moments, "percentiles": _percentiles, "texture": _texture, "patchiness": _patchiness}
)
