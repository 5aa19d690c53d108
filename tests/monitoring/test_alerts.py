"""Alerts against an earlier table of sites."""

import geopandas as gpd
import pytest

from mining_the_mines.monitoring.alerts import ALERT_COLUMNS, describe_alert, find_alerts, list_events
from mining_the_mines.monitoring.site_table import Confirmation, SiteStatus, site_table
from support.sites import YEARS, growing_site, site_row, square, tiny_sites


def until(sites: gpd.GeoDataFrame, year: int) -> gpd.GeoDataFrame:
    """The table as it was at the end of a year."""
    return sites[sites["end"].dt.year <= year]


def told(alerts: gpd.GeoDataFrame) -> list[tuple[str, str, str]]:
    return list(alerts[["alert", "site_id", "period"]].itertuples(index=False, name=None))


NEW = ("new", "tapajos-0002", "2020")
CONFIRMED = ("confirmed", "tapajos-0002", "2021")


def test_events_of_a_site() -> None:
    events = list_events(tiny_sites())
    assert told(events) == [CONFIRMED, NEW]
    assert list(events.columns) == [*ALERT_COLUMNS, "geometry"]
    outline = square(-55.98, -6.0, 300)
    assert outline.contains(gpd.points_from_xy(events["longitude"], events["latitude"])).all()
    assert events["hectares"].tolist() == [9.0, 4.0]


@pytest.mark.parametrize(
    ("known", "now", "expected"),
    [
        (2019, 2020, [NEW]),
        (2020, 2021, [CONFIRMED]),
        (2019, 2021, [CONFIRMED, NEW]),
        (2021, 2022, []),
        (2021, 2021, []),
    ],
)
def test_alerts_since_the_last_run(known: int, now: int, expected: list[tuple[str, str, str]]) -> None:
    sites = tiny_sites()
    assert told(find_alerts(until(sites, now), until(sites, known))) == expected


def test_candidate_is_told_when_it_counts_as_new() -> None:
    waiting = site_row(YEARS[0], "tapajos-0003", status=SiteStatus.CANDIDATE, geometry=square(-55.9, -6.0, 80))
    sites = site_table([waiting, waiting | site_row(YEARS[1], "tapajos-0003", status=SiteStatus.NEW)])
    assert told(find_alerts(until(sites, 2019), None)) == []
    assert told(find_alerts(sites, until(sites, 2019))) == [("new", "tapajos-0003", "2020")]


def test_first_run_tells_of_the_last_period() -> None:
    sites = tiny_sites()
    assert told(find_alerts(until(sites, 2021), None)) == [CONFIRMED]
    assert told(find_alerts(until(sites, 2019), None)) == []


def test_new_region_is_compared_with_its_own_past() -> None:
    sites = tiny_sites()
    elsewhere = [row | {"region": "madre"} for row in growing_site("madre-0001", 10.0)[:2]]
    both = site_table([*sites.to_dict("records"), *elsewhere])
    assert told(find_alerts(both, sites)) == [("confirmed", "madre-0001", "2021")]


def test_growth_is_told_once_a_period() -> None:
    grown = [site_row(year, status=SiteStatus.GROWN, change_hectares=2.0) for year in YEARS[1:]]
    sites = site_table([site_row(YEARS[0], status=SiteStatus.BASELINE), *grown])
    assert [period for *_, period in told(find_alerts(sites, until(sites, 2020)))] == ["2022", "2021"]


def test_known_site_is_never_new() -> None:
    known = site_table([site_row(YEARS[1], status=SiteStatus.BASELINE)])
    # A period before it was added, in which its ground was clear.
    now = site_table([site_row(YEARS[1], status=SiteStatus.NEW)])
    assert told(find_alerts(now, known)) == []


def test_site_confirmed_from_the_start_is_told_once() -> None:
    site = site_row(YEARS[1], status=SiteStatus.NEW, confirmation=Confirmation.CONFIRMED, confirmed_by="probability")
    sites = site_table([site_row(YEARS[0], "tapajos-0009", status=SiteStatus.BASELINE), site, site_row(YEARS[2])])
    assert told(list_events(sites)) == [("new", "tapajos-0001", "2020")]


def test_line_of_an_alert() -> None:
    row = growing_site("tapajos-0002", -55.98)[0]
    judged = {"review": True, "protected_area": "Floresta", "concession": "North", "confidence": "high"}
    (alert,) = list_events(site_table([row | judged])).itertuples()
    assert describe_alert(alert) == (
        "new site tapajos-0002: 4.0 hectares at -6.00000, -55.98000, period 2020, began after 2019-06-30 and by "
        "2020-06-30, provisional, high confidence, in Floresta; North, to be reviewed"
    )


def test_line_without_what_is_unknown() -> None:
    rows = [site_row(YEARS[0], confirmation=Confirmation.PROVISIONAL),
            site_row(YEARS[1], status=SiteStatus.NOT_SEEN, hectares=None, onset_by=None, confidence="")]  # fmt: skip
    (alert,) = list_events(site_table(rows)).itertuples()
    assert describe_alert(alert) == (
        "confirmed site tapajos-0001: not seen at -6.00000, -56.00000, period 2020, confirmed"
    )


def test_no_sites() -> None:
    alerts = find_alerts(site_table([]), None)
    assert list(alerts.columns) == [*ALERT_COLUMNS, "geometry"]
    assert alerts.empty
