"""Models on the feature table as torch modules, so that they run, are stored and are exported as networks are."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mining_the_mines.chips.feature_program import FeatureProgram
from mining_the_mines.models.kinds import Weights


class TableModel(nn.Module):
    """Computes features of chips and averages the probabilities of members that look at them.

    Args:
        features: Reflectance to features.
        members: Features float64 ``(B, F)`` to probability ``(B,)``.
    """

    def __init__(self, features: FeatureProgram, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.features = features
        self.members = nn.ModuleList(members)

    def forward(self, reflectance: Tensor) -> Tensor:
        """Probability of a mine, float64 ``(B,)``, for float32 ``(B, C, H, W)``; NaN marks nodata."""
        features = self.features(reflectance)
        return torch.stack([member(features) for member in self.members]).mean(dim=0)


class TreeBag(nn.Module):
    """A bag of boosters: the mean of their log-odds.

    All chips go down all trees at once, a step at a time, by gathering: without loops over trees, and without branches
    that ``torch.export`` could not follow (S. Nakandala et al., "A tensor compiler for unified machine learning
    prediction serving", OSDI 2020, section 4.1).

    Args:
        trees: As :func:`mining_the_mines.models.trees.tree_arrays` returns them. Thresholds and leaves stay float64, as
            they were learnt.
    """

    feature: Tensor
    threshold: Tensor
    missing_left: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    roots: Tensor
    prior: Tensor

    def __init__(self, trees: Weights) -> None:
        super().__init__()
        for name in ("feature", "threshold", "missing_left", "left", "right", "value", "roots", "prior"):
            self.register_buffer(name, trees[name])
        self.depth = int(trees["depth"])

    def forward(self, features: Tensor) -> Tensor:
        """Probability of a mine, float64 ``(B,)``, for float64 ``(B, F)``; NaN marks a missing figure."""
        node = self.roots.expand(features.shape[0], -1)
        for _ in range(self.depth):
            asked = features.gather(1, self.feature[node])
            goes_left = torch.where(asked.isnan(), self.missing_left[node], asked <= self.threshold[node])
            node = torch.where(goes_left, self.left[node], self.right[node])
        log_odds = self.value[node].sum(dim=1) / len(self.prior) + self.prior.mean()
        return log_odds.sigmoid()


class StandardisedLinear(nn.Module):
    """Logistic regression on standardised features; a missing feature counts as the mean.

    Args:
        weights: float64 ``mean``, ``deviation`` and ``coefficients`` ``(F,)``, and ``intercept`` ``()``.
    """

    mean: Tensor
    deviation: Tensor
    coefficients: Tensor
    intercept: Tensor

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        for name in ("mean", "deviation", "coefficients", "intercept"):
            self.register_buffer(name, weights[name])

    def forward(self, features: Tensor) -> Tensor:
        """Probability of a mine, float64 ``(B,)``, for float64 ``(B, F)``."""
        standard = ((features - self.mean) / self.deviation).nan_to_num(0.0).clamp(-10, 10)
        return (standard @ self.coefficients + self.intercept).sigmoid()
