"""Periods of a series: their order."""

from datetime import date

import pytest

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.monitoring.periods import Period, check_order
from support.sites import YEARS


def test_years_in_order() -> None:
    check_order(YEARS)


@pytest.mark.parametrize(
    ("periods", "fault"),
    [
        ((YEARS[1], YEARS[0]), "2019 starts on 2019-01-01, not after 2020"),
        ((YEARS[0], Period("late", date(2019, 12, 31), date(2020, 3, 1))), "before 2019 ends on 2019-12-31"),
        ((Period("turned", date(2020, 3, 1), date(2019, 3, 1)),), "turned ends on 2019-03-01, before it starts"),
        ((YEARS[0], Period("2019", date(2020, 1, 1), date(2020, 2, 1))), "two periods are called 2019"),
    ],
)
def test_wrong_periods(periods: tuple[Period, ...], fault: str) -> None:
    with pytest.raises(BadInputError, match=fault):
        check_order(periods)
