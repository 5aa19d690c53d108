"""Random variations of batches."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mining_the_mines.models.augmentation import (
    ChipAugmentation,
    draw_symmetries,
    drop_bands,
    mix_up,
    resample,
    turn_and_mirror,
)
from mining_the_mines.models.networks import AugmentationSettings
from support.networks import random_chips

OFF = {
    "symmetries": False, "scale": 0.0, "shift": 0.0, "brightness": 0.0, "gain": 0.0, "offset": 0.0,
    "band_dropout": 0.0, "mix_up": 0.0,
}  # fmt: skip
EVERYTHING = AugmentationSettings(band_dropout=0.3)
SEEDS = st.integers(0, 2**31)


def only(**changes: object) -> ChipAugmentation:
    """Augmentation with all but a few variations switched off."""
    return ChipAugmentation(AugmentationSettings.model_validate(OFF | changes))


def gapped_chips() -> torch.Tensor:
    """Chips with a gap in a corner, one without any data."""
    chips = random_chips(4, size=16)
    chips[0, :, :5, :5] = float("nan")
    chips[3] = float("nan")
    return chips


@given(SEEDS)
def test_symmetries_move_pixels(seed: int) -> None:
    chips = random_chips(4, size=8, seed=seed % 97)
    torch.manual_seed(seed)
    turned = turn_and_mirror(chips, draw_symmetries(len(chips), chips.device))
    before, after = (spectra.flatten(2).transpose(1, 2) for spectra in (chips, turned))
    for chip in range(4):
        order = [spectra[chip, spectra[chip, :, 0].argsort()] for spectra in (before, after)]
        assert torch.equal(*order)


def test_eight_symmetries() -> None:
    torch.manual_seed(0)
    chip = torch.arange(9.0).reshape(1, 1, 3, 3).expand(200, -1, -1, -1)
    assert (
        len(
            {
                tuple(turned.flatten().tolist())
                for turned in turn_and_mirror(chip, draw_symmetries(len(chip), chip.device))
            }
        )
        == 8
    )


@given(SEEDS)
def test_nodata(seed: int) -> None:
    torch.manual_seed(seed)
    varied = ChipAugmentation(EVERYTHING)(gapped_chips())
    assert varied[3].isnan().all()
    assert varied[0].isnan().any()
    assert varied[1:3].isfinite().all()


def test_brightness() -> None:
    torch.manual_seed(0)
    chips = random_chips()
    gains = only(brightness=0.3)(chips) / chips
    torch.testing.assert_close(gains, gains[:, :1, :1, :1].expand_as(gains))
    assert len(set(gains[:, 0, 0, 0].tolist())) == len(chips)


def test_band_dropout() -> None:
    torch.manual_seed(0)
    chips = random_chips(20, size=4)
    dropped = drop_bands(chips, 0.5)
    changed = (dropped != chips).any(dim=(2, 3))
    assert 0 < changed.float().mean() < 1
    means = chips.mean(dim=(0, 2, 3)).expand(20, -1)
    torch.testing.assert_close(dropped[changed], means[changed][:, None, None].expand(-1, 4, 4))


@given(SEEDS)
def test_mix_up(seed: int) -> None:
    torch.manual_seed(seed)
    targets = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0])
    images = targets.view(5, 1, 1, 1).expand(5, 3, 2, 2).contiguous()  # an image shows its own target
    mixed, mixed_targets = mix_up(images, targets, 0.4)
    torch.testing.assert_close(mixed[:, 0, 0, 0], mixed_targets)
    torch.testing.assert_close(mixed_targets.round(), targets)  # the first image stays the larger part


def test_seed() -> None:
    results = []
    for _ in range(2):
        torch.manual_seed(5)
        results.append(ChipAugmentation(EVERYTHING)(random_chips()))
    assert torch.equal(*results)
    assert not torch.equal(ChipAugmentation(EVERYTHING)(random_chips()), results[0])


@pytest.mark.parametrize("name", ["scale", "brightness", "mix_up"])
def test_negative_strengths(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        AugmentationSettings.model_validate({name: -0.1})


def test_resampling() -> None:
    chips = torch.rand(64, 3, 12, 12)
    symmetries = draw_symmetries(64, chips.device)
    settings = AugmentationSettings(scale=0.0, shift=0.0)
    torch.testing.assert_close(
        resample(chips, settings, symmetries), turn_and_mirror(chips, symmetries), rtol=1e-4, atol=1e-4
    )
