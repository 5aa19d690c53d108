"""Losses."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from mining_the_mines.models.classification import class_weights, classification_loss


@given(st.integers(1, 50), st.integers(1, 50))
def test_class_weights(negatives: int, positives: int) -> None:
    labels = np.repeat([0, 1], [negatives, positives])
    balanced = compute_class_weight("balanced", classes=np.array([0, 1]), y=labels)
    np.testing.assert_allclose(class_weights(torch.from_numpy(labels)), balanced)


@pytest.mark.parametrize("smoothing", [0.1, 0.4])
def test_label_smoothing(smoothing: float) -> None:
    probabilities = torch.linspace(0.5, 0.999, 500)
    losses = [
        classification_loss(p.logit().view(1), torch.ones(1), smoothing, (1.0, 1.0)).item() for p in probabilities
    ]
    assert abs(probabilities[int(np.argmin(losses))].item() - (1 - smoothing / 2)) < 2e-3
