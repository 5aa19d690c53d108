"""Windows of regions in batches."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from mining_the_mines.pretraining.augmentation import draw_band_sets, vary_sensor
from mining_the_mines.pretraining.regions import simulate_region
from mining_the_mines.pretraining.settings import WindowSettings
from mining_the_mines.pretraining.windows import Windows, WindowStream, cut_windows
from support.pretraining import quick_settings


def epoch(number: int, workers: int = 0) -> list[Windows]:
    stream = WindowStream(quick_settings(loader_workers=workers), first_epoch=number)
    batches = list(stream)
    assert len(batches) == len(stream) == 6
    return batches


def test_batches_depend_on_the_epoch_alone() -> None:
    plain, by_worker, later = epoch(1), epoch(1, workers=2), epoch(2)
    for one, same, other in zip(plain, by_worker, later, strict=True):
        assert torch.equal(one.reflectance, same.reflectance)
        assert torch.equal(one.mine, same.mine)
        assert not torch.equal(one.reflectance, other.reflectance)


def test_no_window_comes_twice() -> None:
    seen = torch.cat([batch.reflectance[:, 0].flatten(1) for batch in epoch(0)])
    assert len(torch.unique(seen, dim=0)) == len(seen) == 24


def test_pictures_and_targets_fit() -> None:
    region = simulate_region(quick_settings().regions, 0)
    settings = WindowSettings(size=32, per_region=8, finest=1, coarse=0, coarsest=1, at_mines=1)
    windows = cut_windows(region, settings.model_copy(update={"finest": 1 / 1.6}), np.random.default_rng(0))
    assert (windows.mine > 0).flatten(1).any(dim=1).all()
    whole = WindowSettings(size=32, per_region=1, finest=100, coarse=0)
    (one,) = cut_windows(region, whole, np.random.default_rng(0)).reflectance
    means = torch.from_numpy(region.reflectance).mean(dim=(1, 2))
    assert torch.allclose(one.mean(dim=(1, 2)), means, rtol=0.05)


def test_band_sets() -> None:
    drawn = draw_band_sets(2000, WindowSettings(all_bands=0.25), torch.device("cpu"))
    counts = drawn.sum(dim=1)
    assert counts.min() == 3
    assert {3, 4, 6, 12} <= set(counts.tolist())
    assert drawn.float().mean(dim=0).min() > 0.25


@pytest.mark.parametrize("name", ["air_light", "blur", "noise"])
def test_sensor_changes_windows(name: str) -> None:
    torch.manual_seed(0)
    images = torch.rand(4, 12, 32, 32) * 0.3
    nothing = {"air_light": 0, "blur": 0, "noise": 0}
    assert torch.equal(vary_sensor(images, WindowSettings.model_validate(nothing)), images)
    varied = vary_sensor(images, WindowSettings.model_validate({**nothing, name: 1}))
    assert varied.shape == images.shape
    if name == "air_light":
        added = (varied - images).mean(dim=(0, 2, 3))
        assert all(blue > red for blue, red in pairwise(added.tolist()[:5]))
    elif name == "blur":
        assert (varied.std(dim=(2, 3)) < images.std(dim=(2, 3))).all()
    else:
        assert (varied - images).std() > 0.05
