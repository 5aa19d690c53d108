"""The Atom feed of alerts, read by feedparser."""

import feedparser
import pytest

from mining_the_mines.monitoring.alert_feed import FeedSettings, write_feed
from mining_the_mines.monitoring.site_table import site_table
from support.sites import tiny_sites

HERE = FeedSettings(title="Mines & more", author="Tapajós watch", address="https://example.org/alerts.atom")


def test_reader_shows_alerts() -> None:
    feed = feedparser.parse(write_feed(tiny_sites(), HERE))
    assert not feed.bozo
    assert feed.version == "atom10"
    assert (feed.feed.title, feed.feed.author, feed.feed.id) == ("Mines & more", "Tapajós watch", HERE.address)
    assert (feed.feed.updated, feed.feed.links[0].rel) == ("2022-12-31T00:00:00Z", "self")
    confirmed, new = feed.entries
    assert new.title == "New site tapajos-0002: 4.0 hectares at -6.00000, -55.98000"
    assert "began after 2019-06-30 and by 2020-06-30, provisional" in new.content[0].value
    assert (new.updated, new.tags[0].term) == ("2020-12-31T00:00:00Z", "new")
    assert new.where == {"type": "Point", "coordinates": pytest.approx((-55.98, -6.0))}
    assert confirmed.title.startswith("Confirmed site tapajos-0002: 9.0 hectares (+5.0)")


def test_every_entry_has_what_the_standard_asks_for() -> None:
    for settings in (HERE, FeedSettings()):
        feed = feedparser.parse(write_feed(tiny_sites(), settings))
        for element in (feed.feed, *feed.entries):
            assert element.id.startswith(("urn:uuid:", "https://"))
            assert element.title
            assert element.updated_parsed
        assert all(entry.content for entry in feed.entries)
        assert feed.feed.author


def test_ids_are_kept_when_a_period_is_added() -> None:
    sites = tiny_sites()
    earlier = feedparser.parse(write_feed(sites[sites["period"] < "2021"], HERE))
    later = feedparser.parse(write_feed(sites, HERE))
    assert [entry.id for entry in earlier.entries] == [later.entries[-1].id]
    elsewhere = feedparser.parse(write_feed(sites, FeedSettings()))
    assert not {entry.id for entry in later.entries} & {entry.id for entry in elsewhere.entries}


def test_oldest_alerts_drop_out() -> None:
    (entry,) = feedparser.parse(write_feed(tiny_sites(), FeedSettings(entries=1))).entries
    assert entry.title.startswith("Confirmed")


def test_same_bytes() -> None:
    assert write_feed(tiny_sites(), HERE) == write_feed(tiny_sites(), HERE)


def test_no_sites() -> None:
    feed = feedparser.parse(write_feed(site_table([]), FeedSettings()))
    assert not feed.bozo
    assert feed.feed.updated
    assert feed.entries == []
