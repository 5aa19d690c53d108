"""Losses."""

import numpy as np
import pytest
import torch

from mining_the_mines.models.classification import classification_loss


@pytest.mark.parametrize("smoothing", [0.1, 0.4])
def test_label_smoothing(smoothing: float) -> None:
    probabilities = torch.linspace(0.5, 0.999, 500)
    losses = [
        classification_loss(p.logit().view(1), torch.ones(1), smoothing, (1.0, 1.0)).item() for p in probabilities
    ]
    assert abs(probabilities[int(np.argmin(losses))].item() - (1 - smoothing / 2)) < 2e-3
