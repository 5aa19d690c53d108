"""Models on the feature table as torch modules, so that they run, are stored and are exported as networks are."""

from collections.abc import Callable, Sequence
from typing import Any

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


class TableMember(nn.Module):
    """One fitted model: its weights as buffers of the module, its arithmetic from its kind.

    Args:
        probability: :meth:`mining_the_mines.models.tables.TableKind.probability` of its kind.
        weights: As ``fit_table`` of its kind returned them. A single whole number, such as the depth of trees, becomes
            an ``int``, so that ``torch.export`` can unroll a loop over it.
    """

    def __init__(self, probability: Callable[[Weights, Tensor], Tensor], weights: Weights) -> None:
        super().__init__()
        self.probability = probability
        self.numbers: dict[str, Any] = {}
        for name, tensor in weights.items():
            if tensor.ndim == 0 and not tensor.is_floating_point():
                self.numbers[name] = int(tensor)
            else:
                self.register_buffer(name, tensor)

    def forward(self, features: Tensor) -> Tensor:
        """Probability of a mine, float64 ``(B,)``, for float64 ``(B, F)``; NaN marks a missing figure."""
        return self.probability({**dict(self.named_buffers()), **self.numbers}, features)
