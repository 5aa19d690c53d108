"""Novelty as a module that ``torch.export`` can follow."""

from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor, nn

from mining_the_mines.chips.feature_program import FeatureProgram
from mining_the_mines.models.novelty import FEATURES, LIMIT, PERCENTILES

if TYPE_CHECKING:
    from mining_the_mines.models.novelty import Novelty

#: Keeps the interpolation between equal distances finite.
_LEAST: Final = 1e-12


class NoveltyProgram(nn.Module):
    """Scores how far chips lie from the training chips.

    Args:
        novelty: The training chips.
        size: Rows and columns of the chips to score.
    """

    mean: Tensor
    deviation: Tensor
    inverse: Tensor
    distances: Tensor
    percentiles: Tensor

    def __init__(self, novelty: "Novelty", size: int) -> None:
        super().__init__()
        self.features = FeatureProgram(novelty.bands, FEATURES, size)
        for name in ("mean", "deviation", "inverse", "distances"):
            self.register_buffer(name, torch.from_numpy(np.array(getattr(novelty, name), dtype=np.float64)))
        self.register_buffer("percentiles", torch.tensor(PERCENTILES, dtype=torch.float64))

    def forward(self, reflectance: Tensor) -> Tensor:
        """Percentile 0–100, float64 ``(B,)``, of reflectance ``(B, C, H, W)``; NaN for chips without data."""
        figures: Tensor = self.features(reflectance)
        points = ((figures - self.mean) / self.deviation).nan_to_num(nan=0.0).clamp(-LIMIT, LIMIT)
        distance = ((points @ self.inverse) * points).sum(dim=1).clamp(min=0).sqrt()
        above = torch.searchsorted(self.distances, distance).clamp(1, len(self.distances) - 1)
        low, high = self.distances[above - 1], self.distances[above]
        share = ((distance - low) / (high - low).clamp(min=_LEAST)).clamp(0, 1)
        found = self.percentiles[above - 1] + share * (self.percentiles[above] - self.percentiles[above - 1])
        return found.masked_fill(figures.isnan().all(dim=1), torch.nan)
