"""Sentences of an evidence sheet in plain words."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final

import pandas as pd

from mining_the_mines.evidence.looks import SiteLooks
from mining_the_mines.mapping.scene_map import MapRecord
from mining_the_mines.monitoring.site_table import Confirmation, SiteStatus
from mining_the_mines.reporting.formatting import count, day, hectares

_STATUS: Final = {
    SiteStatus.BASELINE: "This was the first clear look at the ground.",
    SiteStatus.CANDIDATE: "It is too small or too faint to count as a new mine before a second look.",
    SiteStatus.NEW: "It was new: an earlier look showed no mine here.",
    SiteStatus.GROWN: "It had grown since the look before.",
    SiteStatus.UNCHANGED: "It had not changed since the look before.",
    SiteStatus.SMALLER: "It was smaller than in the look before.",
    SiteStatus.INACTIVE: "It was inactive: the ground no longer looked like a mine.",
}
_CONFIRMED_BY: Final = {
    "second_look": "a second clear look at another date shows it too",
    "probability": "the model gives it a high probability",
    "neighbour": "it lies near a confirmed mine",
}
#: Absorbed sites that are named.
_JOINED: Final = 6
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def describe_state(looks: SiteLooks) -> list[str]:
    """Say size, status, onset and confirmation of a site, a sentence each."""
    row, last = looks.last_seen, looks.history.iloc[-1]
    status = SiteStatus(row["status"])
    size = "" if status == SiteStatus.INACTIVE else f" the mine covered {hectares(row['hectares'])}"
    change = row["change_hectares"]
    changed = "" if pd.isna(change) or abs(change) < 0.05 else f" ({hectares(change, signed=True)})"
    seen = f"In {row['period']}, the last period in which the ground was seen clearly,"
    first = f"{seen}{size}{changed}. {_STATUS[status]}" if size else f"{seen} the mine was inactive."
    sentences = [first, _onset(row), _confirmation(last)]
    hidden = int((looks.history["start"] > row["start"]).sum())
    if hidden:
        sentences.append(
            f"Since then, clouds hid the ground in {count(hidden, 'period')}: it is not seen, and not taken for gone."
        )
    joined = last["joined"].split()
    if joined:
        more = f" and {len(joined) - _JOINED} more" if len(joined) > _JOINED else ""
        sentences.append(f"It has absorbed {', '.join(joined[:_JOINED])}{more}.")
    return sentences


def _onset(row: "pd.Series[Any]") -> str:
    after, by = row["onset_after"], row["onset_by"]
    if pd.isna(after):
        return f"The mine was there on the first clear look ({day(by)}): these images do not tell when it began."
    return (
        f"The mine began after {day(after)}, when clear images showed the ground without it, and at the latest on "
        f"{day(by)}, when clear images showed it."
    )


def _confirmation(row: "pd.Series[Any]") -> str:
    if row["confirmation"] == Confirmation.CONFIRMED:
        reason = _CONFIRMED_BY.get(row["confirmed_by"], "")
        return f"It is confirmed{f': {reason}' if reason else ''}."
    return (
        "It is provisional: no second look, high probability or confirmed neighbour supports it enough yet. Treat it "
        "as a lead, and look again."
    )


def describe_method(record: MapRecord) -> list[str]:
    """Describe in five sentences how sites are found, with the thresholds of a map."""
    model = f"{record.facts.model} (version {record.facts.model_version})"
    composite = (
        "Clear pixels of all Sentinel-2 images of a period were combined into one image of the region, with clouds and "
        "their shadows left out and the same correction of brightness in all periods."
    )
    if record.scene.clear_dates is None:
        composite = "Each period has one image of the region, which was given and not made here."
    polygons = (
        f"The model {model} gave each pixel the probability of a mine; connected pixels of at least {record.grow:.2f} "
        f"that reach {record.seed:.2f} somewhere became one polygon."
    )
    sites = (
        "Polygons of different periods that lie over each other are one site, which keeps its id; its status compares "
        "a period with the last one in which its ground was seen."
    )
    onset = (
        "Ground that too few clear images show counts as not seen and never as free of mines, so the onset is an "
        "interval between two looks."
    )
    confirmation = (
        "A new site stays provisional until a second look, a high probability or a confirmed neighbour supports it; "
        "areas are measured on the WGS 84 ellipsoid."
    )
    return [composite, polygons, sites, onset, confirmation]


def list_days(days: Sequence[date], most: int = 90) -> str:
    """Write days in short, such as "2021 Sep 11, 16; Oct 6"; those beyond a number are counted."""
    years = []
    for year, of_year in groupby(days[:most], key=lambda when: when.year):
        months = [
            f"{_MONTHS[month - 1]} {', '.join(str(when.day) for when in of_month)}"
            for month, of_month in groupby(of_year, key=lambda when: when.month)
        ]
        years.append(f"{year} {'; '.join(months)}")
    more = len(days) - most
    return "; ".join(years) + (f" and {more} more" if more > 0 else "")
