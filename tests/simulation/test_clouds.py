"""Clouds: their cover, their shadows, their spectra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_the_mines.simulation.clouds import (
    ICE_CLOUD,
    WATER_CLOUD,
    CloudKind,
    Clouds,
    Weather,
    grow_clouds,
)
from mining_the_mines.simulation.relief import Sun

SIDE = 240
HEIGHTS = range(700, 1800, 50)


def clouds(weather: Weather, sun: Sun | None = None, seed: int = 0) -> Clouds:
    return grow_clouds(SIDE, weather, sun or Sun(), np.random.default_rng(seed))


@pytest.mark.parametrize("kind", list(CloudKind))
@settings(max_examples=5, deadline=None)
@given(cover=st.floats(0.01, 0.95), seed=st.integers(0, 100))
def test_cover(kind: CloudKind, cover: float, seed: int) -> None:
    grown = clouds(Weather(cover, kind), seed=seed)
    assert np.count_nonzero(grown.opacity) / SIDE**2 == pytest.approx(cover, abs=0.01)
    assert grown.opacity.min() >= 0
    assert grown.opacity.max() <= 1


def test_thick_clouds() -> None:
    overcast = clouds(Weather(1.0, CloudKind.DECK))
    thick = overcast.opacity > 0.98
    black, white = (overcast.cover(np.full((SIDE, SIDE), value, np.float32), "B4") for value in (0.0, 0.4))
    assert thick.any()
    assert np.abs(black - white)[thick].max() < 0.02
    assert black[thick].mean() > 0.5


def test_shadows() -> None:
    morning = clouds(Weather(0.15), Sun(elevation=45, azimuth=90))
    # With the sun half way up, shadows lie as far west as the clouds are high: 700 to 1800 m, once around the region.
    westwards = {metres: _likeness(morning.shadow, np.roll(morning.opacity, -metres // 10, 1)) for metres in HEIGHTS}
    assert max(westwards.values()) > 0.8
    elsewhere = [_likeness(morning.shadow, np.roll(morning.opacity, metres // 10, 0)) for metres in HEIGHTS]
    assert max(elsewhere) < 0.6


def _likeness(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_spectra() -> None:
    for cloud in (WATER_CLOUD, ICE_CLOUD):
        assert cloud["B12"] < cloud["B11"] < cloud["B4"]
    assert ICE_CLOUD["B11"] < WATER_CLOUD["B11"]
    assert WATER_CLOUD["B9"] < WATER_CLOUD["B8A"]


def test_cirrus() -> None:
    veiled = clouds(Weather(0.0, cirrus=0.5))
    assert np.count_nonzero(veiled.cirrus) / SIDE**2 == pytest.approx(0.5, abs=0.02)
    assert veiled.cirrus.max() < 0.5
    assert not veiled.shadow.any()
