"""The networks of all folds as one module, averaged over the symmetries of the square."""

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor, nn

from mining_the_mines.models.classifier import MineClassifier
from mining_the_mines.models.segmenter import MineSegmenter
from mining_the_mines.models.specification import TestTimeAugmentation

Member = MineClassifier | MineSegmenter

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
        members: One or more networks a fold, all for the same task and with the same bands.
        test_time_augmentation: Which symmetries to average over.
        threshold: Probability from which a chip or pixel counts as a mine; saved with the weights.
    """

    threshold: Tensor

    def __init__(
        self,
        members: Sequence[Member],
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
        return self.networks[0].spectral_input.bands

    @property
    def networks(self) -> tuple[Member, ...]:
        """The members."""
        return tuple(member for member in self.members if isinstance(member, MineClassifier | MineSegmenter))

    def forward(self, reflectance: Tensor) -> Tensor:
        """Probability of a mine.

        Args:
            reflectance: ``(B, C, H, W)`` float; NaN marks nodata.

        Returns:
            ``(B,)`` in 0–1, or ``(B, H, W)`` from segmenters, NaN where a pixel has no data.
        """
        views = [_turn(reflectance, *view) for view in _TURNS_AND_FLIPS[self.test_time_augmentation]]
        if torch.compiler.is_exporting():
            # One large batch holds each member once in the exported graph; small ones need less memory at work.
            stacked = torch.cat(views)
            parts = [self._upright(member(stacked).unflatten(0, (len(views), -1)).unbind()) for member in self.members]
            return torch.stack([torch.stack(part).mean(dim=0) for part in parts]).mean(dim=0)
        seen = [self._upright([member(view) for view in views]) for member in self.members]
        return torch.stack([probability for part in seen for probability in part]).mean(dim=0)

    def detect(self, reflectance: Tensor) -> Tensor:
        """Whether a chip, or each pixel, is a mine by the saved threshold: bool of :meth:`forward`'s shape."""
        probabilities: Tensor = self(reflectance)
        return probabilities.double() >= self.threshold

    def _upright(self, probabilities: Sequence[Tensor]) -> list[Tensor]:
        """Turn maps of turned views back; figures of whole chips have no direction."""
        views = _TURNS_AND_FLIPS[self.test_time_augmentation]
        return [
            _turn_back(probability, *view) if probability.ndim == 3 else probability
            for probability, view in zip(probabilities, views, strict=True)
        ]


def _turn(images: Tensor, turns: int, mirrored: bool) -> Tensor:
    turned = torch.rot90(images, turns, dims=(-2, -1))
    return turned.flip(-1) if mirrored else turned


def _turn_back(maps: Tensor, turns: int, mirrored: bool) -> Tensor:
    return torch.rot90(maps.flip(-1) if mirrored else maps, -turns, dims=(-2, -1))
