"""The interval in which a mine began, from the dates behind composites."""

from datetime import date, timedelta
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mining_the_mines.monitoring.onset import first_day_with, last_day_without

DATES = tuple(date(2020, 6, 1) + timedelta(days=10 * number) for number in range(6))


@given(
    clear=st.sampled_from([chosen for count in range(1, 7) for chosen in combinations(DATES, count)]),
    opened=st.dates(DATES[0] - timedelta(days=5), DATES[-1] + timedelta(days=5)),
)
def test_the_interval_holds_the_opening(clear: tuple[date, ...], opened: date) -> None:
    """A composite of the clear dates shows a mine (1), none (0), or half of one, which may be taken for either."""
    median = float(np.median([day >= opened for day in clear]))
    count = np.array([float(len(clear))])
    if median <= 0.5:
        assert last_day_without(DATES, count)[0] < np.datetime64(opened)
    if median >= 0.5:
        assert first_day_with(DATES, count)[0] >= np.datetime64(opened)


def test_dates_that_are_all_clear_give_the_medians() -> None:
    assert last_day_without(DATES, np.array([6.0]))[0] == np.datetime64(DATES[2])
    assert first_day_with(DATES, np.array([6.0]))[0] == np.datetime64(DATES[3])


def test_an_unknown_number_of_clear_dates_may_be_one() -> None:
    assert last_day_without(DATES, np.array([np.nan]))[0] == np.datetime64(DATES[0])
    assert first_day_with(DATES, np.array([np.nan, 0.0]))[1] == np.datetime64(DATES[-1])


def test_no_dates_tell_nothing() -> None:
    assert np.isnat(last_day_without((), np.array([2.0])))[0]
    assert np.isnat(first_day_with((), np.array([2.0])))[0]
