"""The rule by which a site is confirmed."""

import pytest

from mining_the_mines.monitoring.period_map import PeriodMap
from mining_the_mines.monitoring.settings import ConfirmationSettings, SiteSettings
from mining_the_mines.monitoring.sites import join_sites
from support.period_maps import field, year_map

WEST, EAST = field(100, 100, 200), field(600, 100, 200)
RULE = ConfirmationSettings(
    looks=2,
    second_look_probability=0.6,
    probability=0.9,
    neighbour_metres=500,
    neighbour_probability=0.8,
    added_per_doubling=0,
)


def reasons(*maps: PeriodMap, site: int = 1, rule: ConfirmationSettings = RULE) -> list[str]:
    """Reasons of a site by period; empty while it is provisional."""
    table = join_sites(maps, SiteSettings(), rule).table
    found = table[table["site_id"] == f"tapajos-{site:04d}"]
    assert ((found["confirmation"] == "confirmed") == (found["confirmed_by"] != "")).all()
    named: list[str] = found["confirmed_by"].tolist()
    return named


def test_a_faint_site_of_one_period_is_provisional_until_a_second_look() -> None:
    assert reasons(year_map(2019), year_map(2020, WEST), year_map(2021), year_map(2022, WEST)) == [
        "",
        "",
        "second_look",
    ]


def test_a_second_look_that_is_as_faint_as_the_first_does_not_confirm() -> None:
    faint = [year_map(2020 + number, WEST, probability=0.5) for number in range(3)]
    assert reasons(year_map(2019), *faint, year_map(2023, WEST)) == ["", "", "", "second_look"]


def test_a_probable_site_is_confirmed_at_once_and_for_ever() -> None:
    assert reasons(year_map(2019, WEST, probability=0.95), year_map(2020)) == ["probability"] * 2


def test_a_site_that_stands_alone_needs_more_than_one_with_a_confirmed_neighbour() -> None:
    likely = year_map(2021, WEST, EAST, probability=0.87)
    assert reasons(year_map(2019), year_map(2020, WEST), likely, site=2) == ["neighbour"]
    assert reasons(year_map(2020), year_map(2021, EAST, probability=0.87)) == [""]


def test_two_provisional_sites_do_not_confirm_each_other() -> None:
    assert reasons(year_map(2020), year_map(2021, WEST, EAST, probability=0.87), site=1) == [""]


def test_a_neighbour_lies_near() -> None:
    near = RULE.model_copy(update={"neighbour_metres": 299.0})
    maps = year_map(2019), year_map(2020, WEST), year_map(2021, WEST, EAST, probability=0.87)
    assert reasons(*maps, site=2, rule=near) == [""]


@pytest.mark.parametrize(("periods", "reason"), [(1, "probability"), (2, "probability"), (8, "")])
def test_a_site_of_many_maps_needs_more(periods: int, reason: str) -> None:
    empty = [year_map(2000 + number) for number in range(periods - 1)]
    rule = RULE.model_copy(update={"added_per_doubling": 0.5})
    assert reasons(*empty, year_map(2020, WEST, probability=0.94), rule=rule) == [reason]
