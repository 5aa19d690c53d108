"""Features of what lies beside what: soft land-cover maps and their neighbourhoods.

A mine is seldom told by a colour: sand bars are as bright as spoil, fish ponds as turbid as tailings. Bright bare
ground and turbid water within a few pixels of each other, in small patches, tell it. Each pixel belongs to each cover
to a degree between 0 and 1, so that a hazy or a dark chip changes figures a little instead of tipping them over.

Covers are told by NDVI (J. W. Rouse et al., 1974) and MNDWI (H. Xu, 2006), and by surface reflectance of red, blue and
short-wave infrared. The midpoints lie where those covers part in published spectra (water below, soil and sand above);
they are physical, not fitted to any labels.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch
from scipy.ndimage import uniform_filter1d
from torch import Tensor, nn

from mining_the_mines.chips.features import COVER_BANDS
from mining_the_mines.sentinel2.indices import normalised_difference

#: Edges of the neighbourhoods, in pixels of 10 m.
WINDOWS: Final = (3, 7, 15)
#: Covers whose nearness to each other is measured.
PAIRS: Final = (
    ("bare", "water"),
    ("bright", "water"),
    ("bright", "turbid"),
    ("bright", "green"),
    ("turbid", "green"),
    ("white", "turbid"),
    ("white", "clear"),
    ("bright", "clear"),
)
#: Covers that exclude each other and together make up a pixel.
PARTS: Final = ("clear", "turbid", "bare", "green")


def cover_maps(bands: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Compute to what degree each pixel belongs to each cover.

    Args:
        bands: Reflectance by band name, without gaps.

    Returns:
        Cover → degree in 0–1, of the bands' shape. ``clear``, ``turbid``, ``bare`` and ``green`` add up to 1 where no
        pixel is both water and green; ``bright`` and ``white`` (washed quartz) are kinds of bare ground, ``shallow`` is
        water that still shines in the short-wave infrared: wet tailings, rims of ponds.
    """
    ndvi = normalised_difference(bands["B8"], bands["B4"])
    mndwi = normalised_difference(bands["B3"], bands["B11"])
    water = _above(mndwi, -0.05, 0.08) * _above(-ndvi, -0.35, 0.06)
    green = _above(ndvi, 0.60, 0.06)
    bare = (1 - water) * (1 - green)
    turbid = water * _above(bands["B4"], 0.07, 0.015)
    return {
        "water": water,
        "green": green,
        "bare": bare,
        "bright": bare * _above(bands["B4"], 0.12, 0.02),
        "turbid": turbid,
        "clear": water - turbid,
        "white": bare * _above(bands["B2"], 0.10, 0.015),
        "shallow": water * _above(bands["B11"], 0.08, 0.02),
    }


class CoverProgram(nn.Module):
    """Shares, patch sizes and nearness of land covers.

    Args:
        bands: Names of the C bands; :data:`~mining_the_mines.chips.features.COVER_BANDS` are among them.
        chip_size: Rows and columns of the chips.
    """

    positions: Tensor

    def __init__(self, bands: Sequence[str], chip_size: int) -> None:
        super().__init__()
        self.register_buffer("positions", torch.tensor([list(bands).index(band) for band in COVER_BANDS]))
        for window in WINDOWS:
            # A running mean, mirrored at the rims, is a product with a fixed matrix; SciPy provides its weights.
            weights = uniform_filter1d(np.eye(chip_size), window, axis=0)
            self.register_buffer(_weights_of(window), torch.from_numpy(weights).float())

    def forward(self, reflectance: Tensor) -> dict[str, Tensor]:
        """Compute the family.

        Args:
            reflectance: float32 ``(B, C, H, W)``; NaN marks nodata.

        Returns:
            Name → float64 ``(B,)``: ``water_share``, ``water_unsure`` (mixed pixels), ``water_clumped7`` (share of the
            variance that is left after smoothing over 7 pixels: large patches keep it), ``water_densest7``,
            ``bright_by_water7`` (both within 7 pixels; also ``_relative`` to the scarcer of both, and ``_most``),
            ``mixture7`` and ``mixture7_p90`` (entropy). NaN for a chip without data.
        """
        given = reflectance.index_select(1, self.positions)
        valid = given.isfinite().all(dim=1, keepdim=True)
        covers = cover_maps(dict(zip(COVER_BANDS, torch.where(valid, given, 0).unbind(dim=1), strict=True)))
        names, maps = list(covers), torch.stack(list(covers.values()), dim=1)
        features = _named(names, "share", _mean(maps, valid)) | _named(names, "unsure", _mean(maps * (1 - maps), valid))
        variance = _variance(maps, valid)
        for window in WINDOWS:
            features |= self._neighbourhood(names, self._smooth(maps, valid, window), valid, variance, window)
        return features

    def _neighbourhood(
        self, names: list[str], around: Tensor, valid: Tensor, variance: Tensor, window: int
    ) -> dict[str, Tensor]:
        """Figures of the covers' means ``around`` each pixel, relative to the ``variance`` of the covers."""
        clumped = _variance(around, valid) / (variance + 1e-3)
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
        total, weight = (weights @ given @ weights.T for given in (torch.where(valid, maps, 0), valid.float()))
        enough = weight > 1e-6
        return torch.where(enough, total / torch.where(enough, weight, 1), 0)


def _weights_of(window: int) -> str:
    return f"weights{window}"


def _above(values: Tensor, middle: float, width: float) -> Tensor:
    """Degree, 0 to 1, to which values exceed the middle; the logistic function."""
    return ((values - middle) / width).clamp(-30, 30).sigmoid()


def _named(names: Sequence[str], figure: str, values: Tensor) -> dict[str, Tensor]:
    return {f"{name}_{figure}": column for name, column in zip(names, values.unbind(dim=1), strict=True)}


def _mean(values: Tensor, valid: Tensor) -> Tensor:
    """Mean over the valid pixels of maps (B, K, H, W): float64 (B, K)."""
    return torch.where(valid, values, 0).sum(dim=(2, 3)).double() / valid.sum(dim=(2, 3))


def _variance(values: Tensor, valid: Tensor) -> Tensor:
    mean = _mean(values, valid).float()[:, :, None, None]
    return _mean((values - mean).square(), valid)


def _most(values: Tensor, valid: Tensor) -> Tensor:
    most = torch.where(valid, values, -torch.inf).amax(dim=(2, 3))
    return torch.where(most.isinf(), torch.nan, most).double()


def _ninetieth_percentile(values: Tensor, valid: Tensor) -> Tensor:
    """Of maps (B, 1, H, W), with linear interpolation: float64 (B,)."""
    flat = sort_last(torch.where(valid, values, torch.inf).flatten(start_dim=1))
    count = valid.flatten(start_dim=1).sum(dim=1, keepdim=True)
    last = (count - 1).clamp(min=0)
    place = last.double() * 0.9
    below = place.long()
    low, high = flat.gather(1, below), flat.gather(1, torch.minimum(below + 1, last))
    between = torch.where(high == low, low.double(), low + (high - low) * (place - below))
    return torch.where(count > 0, between, torch.nan).squeeze(1)


def sort_last(values: Tensor) -> Tensor:
    """Sort along the last axis, NaN at the end."""
    if torch.compiler.is_exporting() or values.is_cuda:
        return values.sort(dim=-1).values
    return torch.from_numpy(np.sort(values.numpy(), axis=-1))  # the same order, 20 times as fast on a CPU
