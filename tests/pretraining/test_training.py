"""An encoder learns, is interrupted and goes on, and leaves a file that networks start from."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from mining_the_mines.models.encoder import load_encoder
from mining_the_mines.pretraining.encoder import FILE, store_encoder, take_encoder
from mining_the_mines.pretraining.network import PretrainingNetwork
from mining_the_mines.pretraining.training import fit_encoder, scale_of
from mining_the_mines.pretraining.windows import watched_windows
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from support.pretraining import quick_settings


@pytest.fixture(scope="module")
def network() -> PretrainingNetwork:
    settings = quick_settings()
    torch.manual_seed(0)
    network = PretrainingNetwork(settings, scale_of(watched_windows(settings))).eval()
    torch.nn.init.normal_(network.stem.missing)
    return network


def test_missing_bands_are_not_looked_at(network: PretrainingNetwork) -> None:
    images, bands = torch.rand(2, 12, 32, 32) * 0.4, torch.ones(2, 12, dtype=torch.bool)
    bands[1, COMPETITION_BANDS.index("B8")] = False
    changed = images.clone()
    changed[:, COMPETITION_BANDS.index("B8")] = 0.7
    with torch.inference_mode():
        before, after = network(images, bands).mine, network(changed, bands).mine
    assert not torch.allclose(before[0], after[0])
    assert torch.allclose(before[1], after[1], atol=1e-6)


def test_resumed_training_is_the_same(tmp_path: Path) -> None:
    def kill(epoch: int, _: Mapping[str, float]) -> None:
        if epoch == 1:
            raise RuntimeError("killed")

    settings = quick_settings(regions_per_epoch=2, watched_regions=1)
    whole, rows = fit_encoder(settings, tmp_path / "whole")
    with pytest.raises(RuntimeError, match="killed"):
        fit_encoder(settings, tmp_path / "killed", kill)
    seen: list[int] = []
    resumed, again = fit_encoder(settings, tmp_path / "killed", lambda epoch, _: seen.append(epoch))
    assert seen == [1, 2]
    assert [row["epoch"] for row in again] == [0, 1, 2]
    assert again[-1] == rows[-1]
    for (name, one), other in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(one, other), name


def test_it_learns(tmp_path: Path) -> None:
    settings = quick_settings(epochs=6, learning_rate=5e-3, warmup_epochs=0, decoder_channels=[8, 8, 8])
    _, rows = fit_encoder(settings, tmp_path)
    assert rows[-1]["validation_loss"] < 0.8 * rows[0]["validation_loss"]


def test_encoder_in_a_file(network: PretrainingNetwork, tmp_path: Path) -> None:
    rows = [{"epoch": 0.0, "validation_iou": 0.5}]
    stored = store_encoder(take_encoder(network, quick_settings(), rows), tmp_path / "encoder")
    read = load_encoder(tmp_path / "encoder" / FILE)
    assert read.description.bands == COMPETITION_BANDS
    assert read.description.training["regions"] == 12
    assert torch.equal(read.weights["missing"], network.stem.missing)
    assert "test_maxvit" in stored.card
    assert "Apache-2.0" in stored.card
