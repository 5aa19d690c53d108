"""Spectra are physical, and differ between places."""

import numpy as np
import pytest

from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.simulation.spectra import Material, WaterBody, local_spectra, spectral_library, water_reflectance

RED, GREEN, NEAR_INFRARED, SHORT_WAVE = (COMPETITION_BANDS.index(name) for name in ("B4", "B3", "B8", "B11"))


@pytest.mark.parametrize("seed", range(5))
def test_local_spectra(seed: int) -> None:
    spectra = local_spectra(np.random.default_rng(seed))
    assert spectra.shape[1:] == (len(Material), len(COMPETITION_BANDS))
    assert (spectra > 0).all()
    assert (spectra < 1).all()


def test_leaves_and_water() -> None:
    canopy = spectral_library()["rainforest_canopy"]
    assert canopy[NEAR_INFRARED] > 8 * canopy[RED]
    assert water_reflectance(WaterBody(sediment=500))[SHORT_WAVE] < 0.01
    clear, turbid = (water_reflectance(WaterBody(sediment=sediment)) for sediment in (2, 200))
    assert turbid[RED] > 4 * clear[RED]
