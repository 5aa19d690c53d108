"""Boosted trees as tensors, so that they run and travel as networks do."""

from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn


@dataclass(frozen=True)
class Forest:
    """N nodes of T trees, those of one booster side by side, and the boosters of one bag side by side.

    A leaf is its own child, so that who has come to one stays there.

    Attributes:
        feature: Which feature a node asks for, int64 ``(N,)``.
        threshold: Values up to it go left, float64 ``(N,)``.
        missing_left: Whether a missing value goes left, bool ``(N,)``.
        left: Number of the left child, int64 ``(N,)``.
        right: Number of the right child, int64 ``(N,)``.
        value: Log-odds that a leaf adds, float64 ``(N,)``.
        roots: Numbers of the trees' roots, int64 ``(T,)``.
        depth: Steps from a root to the deepest leaf.
        trees: Number of trees of each booster, ``T`` together.
        prior: Log-odds that each booster starts with.
        boosters: Number of boosters of each bag.
    """

    feature: NDArray[Any]
    threshold: NDArray[Any]
    missing_left: NDArray[Any]
    left: NDArray[Any]
    right: NDArray[Any]
    value: NDArray[Any]
    roots: NDArray[Any]
    depth: int
    trees: tuple[int, ...]
    prior: tuple[float, ...]
    boosters: tuple[int, ...]


class BoostedTrees(nn.Module):
    """Bags of boosters: the mean log-odds within a bag, the mean probability over bags.

    All chips go down all trees at once, a step at a time, by gathering: without loops over trees, and without branches
    that ``torch.export`` could not follow (S. Nakandala et al., "A tensor compiler for unified machine learning
    prediction serving", OSDI 2020, section 4.1).

    Args:
        forest: The trees. Thresholds and leaves stay float64, as they were learnt.
    """

    feature: Tensor
    threshold: Tensor
    missing_left: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    roots: Tensor
    prior: Tensor

    def __init__(self, forest: Forest) -> None:
        super().__init__()
        for name in ("feature", "threshold", "missing_left", "left", "right", "value", "roots"):
            self.register_buffer(name, torch.from_numpy(getattr(forest, name)))
        self.register_buffer("prior", torch.tensor(forest.prior, dtype=torch.float64))
        self.depth = forest.depth
        self.trees, self.boosters = list(forest.trees), list(forest.boosters)

    def forward(self, features: Tensor) -> Tensor:
        """Probability of a mine.

        Args:
            features: float64 ``(B, F)``; NaN for what is missing.

        Returns:
            float64 ``(B,)`` in 0–1.
        """
        node = self.roots.expand(features.shape[0], -1)
        for _ in range(self.depth):
            asked = features.gather(1, self.feature[node])
            goes_left = torch.where(asked.isnan(), self.missing_left[node], asked <= self.threshold[node])
            node = torch.where(goes_left, self.left[node], self.right[node])
        added = [values.sum(dim=1) for values in torch.split(self.value[node], self.trees, dim=1)]
        log_odds = torch.stack(added, dim=1) + self.prior
        bags = [bag.mean(dim=1).sigmoid() for bag in torch.split(log_odds, self.boosters, dim=1)]
        return torch.stack(bags, dim=1).mean(dim=1)
