"""Passes, the sun and the weather of a season."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from mining_the_mines.simulation.passes import (
    BASELINE_AGAIN,
    BASELINE_BEFORE,
    BASELINE_SINCE,
    OFFSET_DAY,
    Pass,
    plan_passes,
    sun_at,
    typical_sky,
)
from mining_the_mines.simulation.places import Biome, Place, place_in
from mining_the_mines.simulation.relief import illumination
from mining_the_mines.simulation.settings import SeriesSettings

EQUATOR = Place("somewhere", Biome.RAINFOREST, 20.0, 0.0)
PLACE = place_in("tapajos", np.random.default_rng(0))


def passes(seed: int = 0, **changes: object) -> tuple[Pass, ...]:
    return plan_passes(PLACE, SeriesSettings.model_validate(changes), np.random.default_rng(seed))


def test_sun() -> None:
    equinox = sun_at(EQUATOR, date(2022, 3, 21))
    assert equinox.elevation == pytest.approx(67.5, abs=0.5)
    assert equinox.azimuth == pytest.approx(90, abs=1.5)
    assert 90 < sun_at(EQUATOR, date(2022, 12, 21)).azimuth < 270
    assert not 90 < sun_at(EQUATOR, date(2022, 6, 21)).azimuth < 270


@effort(max_examples=20, deadline=None)
@given(dates=st.integers(1, 30), seed=st.integers(0, 1000))
def test_dates(dates: int, seed: int) -> None:
    days = [one.moment.date() for one in passes(seed, dates=dates)]
    season = SeriesSettings()
    assert len(set(days)) == dates
    assert days == sorted(days)
    assert season.start <= days[0]
    assert days[-1] <= season.end
    assert all((day - season.start).days % 5 == 0 for day in days)


def test_cloudiness() -> None:
    covers = sorted(one.weather.cover for one in passes())
    assert covers[0] < 0.01
    assert covers[-1] > 0.65
    assert np.mean(covers) == pytest.approx(SeriesSettings().cloudiness, abs=0.05)


def test_baselines_granules_and_swaths() -> None:
    season = passes()
    for one in season:
        assert one.baselines[0] == (BASELINE_BEFORE if one.moment.date() < OFFSET_DAY else BASELINE_SINCE)
    assert [one.baselines for one in season if len(one.baselines) > 1] == [(BASELINE_BEFORE, BASELINE_AGAIN)]
    assert sum(one.split for one in season) == 1
    assert 1 <= sum(one.edge is not None for one in season) <= 4


def test_seasons() -> None:
    dryness = {one.moment.month: one.sky.dryness for one in passes(dates=12)}
    assert dryness[1] < 0.3
    assert dryness[6] > 0.6


def test_typical_sky() -> None:
    dates = passes()
    slopes = np.random.default_rng(0).normal(0, 0.3, (30, 30)).cumsum(axis=1).astype(np.float32)
    mean = np.mean([illumination(slopes, 5, one.sky.sun) for one in dates], axis=0)
    assert np.abs(illumination(slopes, 5, typical_sky(dates).sun) - mean).max() < 1e-3
