"""Colours of sites by status."""

from mining_the_mines.monitoring.site_table import SiteStatus
from mining_the_mines.reporting.status_colours import STATUS_COLOURS, STATUS_TITLES


def test_every_status_has_a_colour_of_its_own_and_a_title() -> None:
    assert set(STATUS_COLOURS) == set(STATUS_TITLES) == set(SiteStatus)
    assert len(set(STATUS_COLOURS.values())) == len(SiteStatus)
