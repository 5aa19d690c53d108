"""Losses of outlines."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from mining_the_mines.models.segmentation import segmentation_loss
from support.segmentation_data import quick_outline_settings

LOSSES = ["dice", "bce_dice", "focal", "lovasz", "tversky"]


def some_logits() -> Tensor:
    return torch.randn(2, 6, 7, generator=torch.Generator().manual_seed(0))


def some_targets() -> Tensor:
    return (torch.rand(2, 6, 7, generator=torch.Generator().manual_seed(1)) > 0.5).float()


def loss_of(name: str, logits: Tensor, targets: Tensor, **changes: object) -> Tensor:
    return segmentation_loss(quick_outline_settings(loss=name, **changes))(logits, targets)


@pytest.mark.parametrize("name", LOSSES)
def test_perfect_map(name: str) -> None:
    targets = some_targets()
    assert loss_of(name, (targets - 0.5) * 60, targets) < 1e-3


@pytest.mark.parametrize("name", LOSSES)
def test_unknown_pixels(name: str) -> None:
    logits, targets = some_logits().requires_grad_(), some_targets()
    targets[:, :2] = torch.nan
    (gradient,) = torch.autograd.grad(loss_of(name, logits, targets), logits)
    assert gradient.isfinite().all()
    assert (gradient[:, :2] == 0).all()
    assert (gradient[:, 2:] != 0).any()


def test_dice() -> None:
    logits, targets = some_logits(), some_targets()
    probability = logits.sigmoid()
    expected = 1 - 2 * (probability * targets).sum() / (probability + targets).sum()
    torch.testing.assert_close(loss_of("dice", logits, targets), expected)


def test_cross_entropy_and_dice() -> None:
    logits, targets = some_logits(), some_targets()
    entropy = functional.binary_cross_entropy_with_logits(logits, targets)
    torch.testing.assert_close(loss_of("bce_dice", logits, targets), entropy + loss_of("dice", logits, targets))
