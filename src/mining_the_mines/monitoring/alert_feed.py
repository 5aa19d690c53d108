"""Alerts as an Atom feed, which any reader or mailer takes."""

import uuid
from typing import Any, Final
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.monitoring.alerts import describe_alert, list_events
from mining_the_mines.rasters.dates import FIRST_LIGHT

_ATOM: Final = "http://www.w3.org/2005/Atom"
_GEORSS: Final = "http://www.georss.org/georss"
#: Namespace of the ids of entries (RFC 9562, version 5); it must never change, or readers show old alerts again.
_IDS: Final = uuid.UUID("4b0c8d0e-64f5-5f0e-9c55-0f6b7e1f5a10")


class FeedSettings(BaseModel):
    """The Atom feed of alerts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field("New mines", min_length=1, description="Title of the feed.")
    author: str = Field("Mining the Mines", min_length=1, description="Who publishes it.")
    address: str | None = Field(
        None,
        description="Address that the feed is published at, such as https://example.org/alerts.atom; entries of feeds "
        "with different addresses have different ids. null if it is only read from disk.",
    )
    entries: int = Field(500, ge=1, description="Number of entries, the newest ones.")


def write_feed(sites: gpd.GeoDataFrame, settings: FeedSettings) -> bytes:
    """Write the events of a table of sites as an Atom feed (RFC 4287), with places as GeoRSS points.

    The feed is a function of the table: it holds the events of all periods, so that readers who miss a run miss no
    alert. An entry has the same id for ever, and is dated by the last image of its period.

    Args:
        sites: Table of sites.
        settings: Title, author, address and length.

    Returns:
        XML in UTF-8; the same bytes for the same input.
    """
    events = list_events(sites).head(settings.entries)
    days = sites["last_date"].fillna(sites["end"])
    feed = ET.Element("feed", {"xmlns": _ATOM, "xmlns:georss": _GEORSS})
    name = settings.address or settings.title
    _add(feed, "id", settings.address or uuid.uuid5(_IDS, name).urn)
    _add(feed, "title", settings.title)
    _add(feed, "updated", _instant(days.max() if len(days) else pd.Timestamp(FIRST_LIGHT)))
    _add(_add(feed, "author"), "name", settings.author)
    _add(feed, "generator", "Mining the Mines")
    if settings.address:
        _add(feed, "link", rel="self", type="application/atom+xml", href=settings.address)
    for event in events.itertuples(index=False):
        _add_entry(feed, event, name)
    ET.indent(feed, " ")
    content: bytes = ET.tostring(feed, "utf-8", xml_declaration=True)
    return content + b"\n"


def _add_entry(feed: ET.Element, event: Any, name: str) -> None:  # noqa: ANN401 - a row as pandas' itertuples yields it
    entry = _add(feed, "entry")
    title, _, text = describe_alert(event).partition(", period")
    key = f"{name}/{event.region}/{event.site_id}/{event.period}/{event.alert}"
    _add(entry, "id", uuid.uuid5(_IDS, key).urn)
    _add(entry, "title", title[:1].upper() + title[1:])
    _add(entry, "updated", _instant(event.end if pd.isna(event.last_date) else event.last_date))
    _add(entry, "category", term=event.alert, label=f"{event.alert} site")
    _add(entry, "category", term=event.region, label="region")
    _add(entry, "content", f"{title}, period{text}.", type="text")
    _add(entry, "georss:point", f"{event.latitude:.6f} {event.longitude:.6f}")


def _add(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, name, attributes)
    child.text = text
    return child


def _instant(day: pd.Timestamp) -> str:
    return f"{day:%Y-%m-%d}T00:00:00Z"
