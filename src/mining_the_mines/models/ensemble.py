"""The networks of all folds as one module, averaged over the symmetries of the square."""

from collections.abc import Iterator, Sequence
from itertools import product

import torch
from torch import Tensor, nn

from mining_the_mines.models.classifier import MineClassifier
from mining_the_mines.models.specification import TestTimeAugmentation

_TURNS_AND_FLIPS: dict[str, tuple[tuple[int, bool], ...]] = {
    "none": ((0, False),),
    "flips": tuple(product((0, 2), (False, True))),
    "dihedral": tuple(product((0, 1, 2, 3), (False, True))),
}


class FoldEnsemble(nn.Module):
    """Mean probability of the members over the symmetries of the square.

    A mine has no upright side: predictions for the turned and mirrored chip are as good, and their mean is better
    (D. Ciresan, U. Meier, J. Schmidhuber, "Multi-column deep neural networks for image classification", CVPR 2012).

    Args:
        members: One classifier a fold, all with the same bands.
        test_time_augmentation: Which symmetries to average over.
        threshold: Probability from which a chip counts as a mine; saved with the weights.
    """

    threshold: Tensor

    def __init__(
        self,
        members: Sequence[MineClassifier],
        test_time_augmentation: TestTimeAugmentation = "none",
        threshold: float = 0.5,
    ) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.test_time_augmentation = test_time_augmentation
        self.register_buffer("threshold", torch.tensor(threshold, dtype=torch.float64))

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands that it takes, in order."""
        return self._classifiers()[0].spectral_input.bands

    def _classifiers(self) -> list[MineClassifier]:
        return [member for member in self.members if isinstance(member, MineClassifier)]

    def forward(self, reflectance: Tensor) -> Tensor:
        """Probability of a mine.

        Args:
            reflectance: ``(B, C, H, W)`` float; NaN marks nodata.

        Returns:
            ``(B,)`` in 0–1.
        """
        views = list(_views(reflectance, self.test_time_augmentation))
        if torch.compiler.is_exporting():
            # One large batch holds each member once in the exported graph; small ones need less memory at work.
            stacked = torch.cat(views)
            probabilities = [member(stacked).view(len(views), -1).mean(dim=0) for member in self.members]
        else:
            probabilities = [member(view) for view in views for member in self.members]
        return torch.stack(probabilities).mean(dim=0)

    def detect(self, reflectance: Tensor) -> Tensor:
        """Whether a chip holds a mine, ``(B,)`` bool, by the saved threshold."""
        probabilities: Tensor = self(reflectance)
        return probabilities.double() >= self.threshold


def _views(reflectance: Tensor, symmetries: TestTimeAugmentation) -> Iterator[Tensor]:
    for turns, mirrored in _TURNS_AND_FLIPS[symmetries]:
        turned = torch.rot90(reflectance, turns, dims=(-2, -1))
        yield turned.flip(-1) if mirrored else turned
