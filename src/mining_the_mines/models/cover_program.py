"""The figures of :mod:`mining_the_mines.chips.cover` once more, as a module that ``torch.export`` can follow."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.ndimage import uniform_filter1d
from torch import Tensor, nn

from mining_the_mines.chips.cover import BANDS, PAIRS, PARTS, WINDOWS, cover_maps


class CoverProgram(nn.Module):
    """Shares, patch sizes and nearness of land covers.

    Args:
        bands: Names of the C bands.
        chip_size: Rows and columns of the chips.

    Raises:
        ValueError: A band that covers are told by is missing; a classifier that was trained has them.
    """

    positions: Tensor

    def __init__(self, bands: Sequence[str], chip_size: int) -> None:
        super().__init__()
        self.register_buffer("positions", torch.tensor([list(bands).index(band) for band in BANDS]))
        for window in WINDOWS:
            # A mean over neighbours is a sum of products with fixed weights; SciPy itself tells them, rims and all.
            weights = uniform_filter1d(np.eye(chip_size), window, axis=0)
            self.register_buffer(_weights_of(window), torch.from_numpy(weights))

    def forward(self, reflectance: Tensor) -> dict[str, Tensor]:
        """Compute the family.

        Args:
            reflectance: float32 ``(B, C, H, W)``; NaN marks nodata.

        Returns:
            Name → float64 ``(B,)``, as :func:`mining_the_mines.chips.cover.cover_features` gives it for one chip.
        """
        told_by = reflectance.index_select(1, self.positions)
        valid = told_by.isfinite().all(dim=1, keepdim=True)
        given = dict(zip(BANDS, torch.where(valid, told_by, 0).unbind(dim=1), strict=True))
        covers = cover_maps(given, above=_above)
        names, maps = list(covers), torch.stack(list(covers.values()), dim=1)
        features = _named(names, "share", _mean(maps, valid)) | _named(names, "unsure", _mean(maps * (1 - maps), valid))
        for window in WINDOWS:
            features |= self._neighbourhood(names, maps, valid, window)
        return features

    def _neighbourhood(self, names: list[str], maps: Tensor, valid: Tensor, window: int) -> dict[str, Tensor]:
        around = self._smooth(maps, valid, window)
        clumped = _variance(around, valid) / (_variance(maps, valid) + 1e-3)
        features = _named(names, f"clumped{window}", clumped) | _named(names, f"densest{window}", _most(around, valid))
        first, second = ([names.index(pair[side]) for pair in PAIRS] for side in (0, 1))
        both = around[:, first] * around[:, second]
        means, near = _mean(around, valid), _mean(both, valid)
        scarcer = torch.minimum(means[:, first], means[:, second])
        pairs = [f"{one}_by_{other}{window}" for one, other in PAIRS]
        features |= dict(zip(pairs, near.unbind(dim=1), strict=True))
        features |= _named(pairs, "relative", near / (scarcer + 0.01)) | _named(pairs, "most", _most(both, valid))
        shares = around[:, [names.index(part) for part in PARTS]]
        mixture = -(shares * (shares + 1e-6).log()).sum(dim=1, keepdim=True)
        features[f"mixture{window}"] = _mean(mixture, valid)[:, 0]
        features[f"mixture{window}_p90"] = _ninetieth_percentile(mixture, valid)
        return features

    def _smooth(self, maps: Tensor, valid: Tensor, window: int) -> Tensor:
        """Mean of the valid pixels in a window around each."""
        weights = self.get_buffer(_weights_of(window))
        total, weight = (_around(given, weights) for given in (torch.where(valid, maps, 0), valid.float()))
        enough = weight > 1e-6
        return torch.where(enough, total / torch.where(enough, weight, 1), 0)


def _weights_of(window: int) -> str:
    return f"weights{window}"


def _around(maps: Tensor, weights: Tensor) -> Tensor:
    """Down, then across; rounded to float32 after each, as SciPy does."""
    down = (weights @ maps.double()).float()
    return (down.double() @ weights.T).float()


def _above(values: Tensor, middle: float, width: float) -> Tensor:
    return 1 / (1 + (-((values - middle) / width).clamp(-30, 30)).exp())


def _named(names: Sequence[str], figure: str, values: Tensor) -> dict[str, Tensor]:
    return {f"{name}_{figure}": column for name, column in zip(names, values.unbind(dim=1), strict=True)}


def _mean(values: Tensor, valid: Tensor) -> Tensor:
    """Mean over the valid pixels of maps (B, K, H, W), rounded to float32: float64 (B, K)."""
    total = torch.where(valid, values, 0).sum(dim=(2, 3), dtype=torch.float64)
    return (total / valid.sum(dim=(2, 3))).float().double()


def _variance(values: Tensor, valid: Tensor) -> Tensor:
    mean = _mean(values, valid).float()[:, :, None, None]
    return _mean((values - mean).square(), valid)


def _most(values: Tensor, valid: Tensor) -> Tensor:
    most = torch.where(valid, values, -torch.inf).amax(dim=(2, 3))
    return torch.where(most.isinf(), torch.nan, most).double()


def _ninetieth_percentile(values: Tensor, valid: Tensor) -> Tensor:
    """Of maps (B, 1, H, W), with linear interpolation: float64 (B,)."""
    flat = torch.where(valid, values, torch.inf).flatten(start_dim=1).sort(dim=1).values
    count = valid.flatten(start_dim=1).sum(dim=1, keepdim=True)
    last = (count - 1).clamp(min=0)
    place = last.double() * 0.9
    below = place.long()
    low, high = flat.gather(1, below), flat.gather(1, torch.minimum(below + 1, last))
    between = torch.where(high == low, low.double(), low + (high - low) * (place - below))
    return torch.where(count > 0, between, torch.nan).squeeze(1)
