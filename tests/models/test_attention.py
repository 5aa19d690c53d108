"""Heat maps of where networks look."""

import numpy as np
import pytest
from torch import Tensor, nn

from mining_the_mines.models.attention import attention_map, ensemble_map
from mining_the_mines.models.ensemble import FoldEnsemble
from support.networks import random_reflectance, small_classifier, small_spec, trained_classifier


@pytest.mark.parametrize("pooling", ["mean", "statistics"])
@pytest.mark.parametrize("architecture", ["test_maxvit", "test_vit"])
def test_kinds_of_networks(architecture: str, pooling: str) -> None:
    spec = small_spec(architecture, input_size=64, pooling=pooling)
    heat = attention_map({"network": trained_classifier(2, spec=spec)}, random_reflectance(1, size=48)[0])
    assert heat is not None
    assert heat.shape == (48, 48)
    assert heat.dtype == np.float32
    assert heat.min() >= 0
    assert heat.max() <= 1


@pytest.mark.parametrize("rows", [8, None])
def test_gaps(rows: int | None) -> None:
    chip = random_reflectance(1)[0]
    chip[:, :rows] = np.nan
    heat = attention_map({"network": trained_classifier(1)}, chip)
    assert heat is not None
    assert np.isfinite(heat).all()


def test_no_networks() -> None:
    assert attention_map({}, random_reflectance(1)[0]) is None


class BrightCorner(nn.Module):
    """A network that looks at the brightness of its cells and nothing else, channels last or not."""

    def __init__(self, *, channels_last: bool) -> None:
        super().__init__()
        self.channels_last = channels_last
        self.feature_info = [{"module": "cells", "reduction": 4, "num_chs": 5}]
        self.cells = _LastChannels() if channels_last else _FirstChannels()

    def forward(self, channels: Tensor) -> Tensor:
        """Mean over all cells."""
        cells: Tensor = self.cells(channels)
        return cells.mean(dim=(1, 2, 3)).unsqueeze(1)


class _FirstChannels(nn.Module):
    def forward(self, channels: Tensor) -> Tensor:
        pooled = nn.functional.avg_pool2d(channels[:, :1], 4).relu()
        return pooled.expand(-1, 5, -1, -1).clone()


class _LastChannels(_FirstChannels):
    def forward(self, channels: Tensor) -> Tensor:
        return super().forward(channels).permute(0, 2, 3, 1)


@pytest.mark.parametrize("channels_last", [False, True])
def test_bright_corner(channels_last: bool) -> None:
    classifier = small_classifier()
    classifier.backbone = BrightCorner(channels_last=channels_last)
    chip = np.zeros_like(random_reflectance(1)[0])
    chip[:, :8, 24:] = 0.5
    heat = ensemble_map(FoldEnsemble([classifier]), chip)
    assert np.unravel_index(heat.argmax(), heat.shape)[0] < 8
    assert heat[:8, 24:].mean() > 0.7
    assert heat[16:, :16].max() == 0
