"""Passes keep to Sentinel-2's rhythm, the sun to astronomy, and a season has all kinds of weather."""

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


def test_at_equinox_sun_stands_in_east_of_equator() -> None:
    sun = sun_at(EQUATOR, date(2022, 3, 21))
    assert sun.elevation == pytest.approx(67.5, abs=0.5)
    assert sun.azimuth == pytest.approx(90, abs=1.5)


@pytest.mark.parametrize(("day", "south"), [(date(2022, 12, 21), True), (date(2022, 6, 21), False)])
def test_at_solstices_sun_stands_over_its_tropic(day: date, south: bool) -> None:
    assert (90 < sun_at(EQUATOR, day).azimuth < 270) == south


@effort(max_examples=20, deadline=None)
@given(dates=st.integers(1, 30), seed=st.integers(0, 1000))
def test_any_number_of_dates_falls_into_season_each_once(dates: int, seed: int) -> None:
    days = [one.moment.date() for one in passes(seed, dates=dates)]
    season = SeriesSettings()
    assert len(set(days)) == dates
    assert days == sorted(days)
    assert season.start <= days[0]
    assert days[-1] <= season.end
    assert all((day - season.start).days % 5 == 0 for day in days)


def test_dates_differ_from_clear_to_overcast() -> None:
    covers = sorted(one.weather.cover for one in passes())
    assert covers[0] < 0.01
    assert covers[-1] > 0.65
    assert np.mean(covers) == pytest.approx(SeriesSettings().cloudiness, abs=0.05)


def test_offset_came_on_its_day() -> None:
    for one in passes():
        assert one.baselines[0] == (BASELINE_BEFORE if one.moment.date() < OFFSET_DAY else BASELINE_SINCE)


def test_one_date_without_offset_was_processed_again_with_it() -> None:
    again = [one for one in passes() if len(one.baselines) > 1]
    assert [one.baselines for one in again] == [(BASELINE_BEFORE, BASELINE_AGAIN)]


def test_one_date_fell_on_two_granules() -> None:
    assert sum(one.split for one in passes()) == 1


def test_some_dates_are_cut_by_edge_of_swath() -> None:
    assert 1 <= sum(one.edge is not None for one in passes()) <= 4


def test_season_has_wet_and_dry_part() -> None:
    dryness = {one.moment.month: one.sky.dryness for one in passes(dates=12)}
    assert dryness[1] < 0.3
    assert dryness[6] > 0.6


def test_typical_sky_lights_slopes_as_dates_do_on_average() -> None:
    dates = passes()
    slopes = np.random.default_rng(0).normal(0, 0.3, (30, 30)).cumsum(axis=1).astype(np.float32)
    mean = np.mean([illumination(slopes, 5, one.sky.sun) for one in dates], axis=0)
    assert np.abs(illumination(slopes, 5, typical_sky(dates).sun) - mean).max() < 1e-3
