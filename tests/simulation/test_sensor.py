"""Resolution, blur and noise of the simulated sensor."""

from dataclasses import replace

import numpy as np
import pytest

from mining_the_mines.sentinel2.bands import BANDS, COMPETITION_BANDS
from mining_the_mines.simulation import Landscape, Sky, observe_native
from mining_the_mines.simulation.relief import Sun
from mining_the_mines.simulation.sensor import RADIOMETRY, _sample, seasonal_spectra
from mining_the_mines.simulation.spectra import Material
from support.simulated_regions import landscape, made_of


@pytest.fixture(scope="module")
def region() -> Landscape:
    return landscape()


def test_resolution(region: Landscape) -> None:
    bands = observe_native(region, Sky(), np.random.default_rng(0))
    assert {name: image.shape[0] for name, image in bands.items()} == {
        name: region.pixels * 10 // BANDS[name].resolution for name in COMPETITION_BANDS
    }


def test_haze(region: Landscape) -> None:
    clear, hazy = (observe_native(region, Sky(haze=haze), np.random.default_rng(0)) for haze in (0.0, 0.05))
    assert (hazy["B2"] - clear["B2"]).mean() > 0.02
    assert abs((hazy["B12"] - clear["B12"]).mean()) < 0.01


def test_noise(region: Landscape) -> None:
    sky = Sky(haze=0.0)
    first, second = (observe_native(region, sky, np.random.default_rng(seed)) for seed in (0, 1))
    for name in COMPETITION_BANDS:
        spread = (first[name] - second[name]).std() / np.sqrt(2)
        assert spread == pytest.approx(RADIOMETRY[name].noise(first[name], sky.sun).mean(), rel=0.15)


def test_reference_noise() -> None:
    band, sun = RADIOMETRY["B2"], Sun(elevation=90)
    reference = np.array([np.pi * band.reference_radiance / band.irradiance], np.float32)
    assert reference / band.noise(reference, sun) == pytest.approx(154)


@pytest.mark.parametrize(("resolution", "transfer"), [(20, 0.25), (60, 0.35)])
def test_contrast_at_nyquist(resolution: int, transfer: float) -> None:
    factor = resolution // 10
    phase = np.pi * (np.arange(240) + 0.5) / factor
    grating = np.tile(np.sin(phase).astype(np.float32), (240, 1))
    seen = _sample(grating, resolution)[5:-5, 5:-5]
    assert np.abs(seen).mean() == pytest.approx(transfer, rel=0.15)


def test_seasonal_spectra(region: Landscape) -> None:
    wet, dry = (seasonal_spectra(region.spectra, dryness) for dryness in (0.0, 1.0))
    red = COMPETITION_BANDS.index("B4")
    assert (dry[:, Material.GRASS, red] > wet[:, Material.GRASS, red]).all()
    assert np.array_equal(dry[:, Material.ROCK], wet[:, Material.ROCK])


def test_relief_on_water(region: Landscape) -> None:
    flooded = replace(made_of(region, Material.LAKE), elevation=region.elevation)
    image = observe_native(flooded, Sky(haze=0.0), np.random.default_rng(0))["B2"]
    assert image.std() < 2 * RADIOMETRY["B2"].noise(image, Sun()).mean()
