"""The part of the report on estimated areas: figures and sentences for its template."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pandas as pd

from mining_the_mines.reporting.formatting import count, decimal, hectares, percent
from mining_the_mines.reporting.tables import Cell, Row, Table, plain_table

#: Measures of the table, their titles, and how their figures are written.
_MEASURES: Final = {
    ("area", "mine"): "Area of mines, estimated",
    ("pixel_count", "mine"): "Area of mines, counted on the map",
    ("truth", "mine"): "Area of mines, known",
    ("false_alarm_area", "mine"): "Mapped, but no mine",
    ("omitted_area", "mine"): "Mine, but not mapped",
    ("users_accuracy", "mine"): "Right among mapped mines (user's accuracy)",
    ("producers_accuracy", "mine"): "Found among mines (producer's accuracy)",
    ("overall_accuracy", ""): "Overall accuracy",
    ("false_alarms", "mine"): "False alarms per 1 000 km²",
    ("net_change", "mine"): "Change of the area of mines",
}


@dataclass(frozen=True)
class AreaData:
    """The data of the part on estimated areas.

    Attributes:
        estimates: A row per figure: ``period``, ``domain``, ``name``, ``measure``, ``class``, ``value``,
            ``standard_error``, ``lower``, ``upper``, ``least``, ``most``, ``unit``, ``places``, ``cannot_tell``.
        sentences: Why pixel count and estimate differ, one per period.
        reviewers: Names of those who judged the places.
        agreement: A row per pair of reviewers, and one for all: ``measure``, ``reviewers``, ``places``, ``agreement``,
            ``kappa``.
        disagreements: Places that reviewers do not judge alike.
    """

    estimates: pd.DataFrame
    sentences: tuple[str, ...]
    reviewers: tuple[str, ...]
    agreement: pd.DataFrame
    disagreements: pd.DataFrame


def arrange_areas(data: AreaData) -> dict[str, Any] | None:
    """Arrange the part for its template; ``None`` if nothing is estimated."""
    estimates = data.estimates
    if estimates.empty:
        return None
    domains = estimates[["period", "domain", "name"]].drop_duplicates()
    tables = [_table(estimates, *map(str, key)) for key in domains.itertuples(index=False)]
    is_area = (estimates["measure"] == "area") & (estimates["class"] == "mine")
    whole = estimates[is_area & (estimates["domain"] == "all")]
    places, unsure = int(whole["places"].sum()), int(whole["cannot_tell"].sum())
    return {
        "sentences": data.sentences,
        "tables": tables,
        "places": count(places, "place"),
        "unsure": unsure,
        "reviewers": data.reviewers,
        "agreement": None if data.agreement.empty else plain_table(data.agreement, "Agreement of reviewers"),
        "disagreements": None if data.disagreements.empty else plain_table(data.disagreements, "Disagreements"),
    }


def _table(estimates: pd.DataFrame, period: str, domain: str, name: str) -> Table:
    own = estimates[(estimates["period"] == period) & (estimates["domain"] == domain) & (estimates["name"] == name)]
    rows = {(row["measure"], row["class"]): row for row in own.to_dict("records")}
    caption = ", ".join(part for part in (period, name or "all mapped ground") if part)
    return Table(
        caption=caption[:1].upper() + caption[1:],
        heads=("", "Estimate", "95 % interval", "Standard error"),
        rows=tuple(_row(title, rows[key]) for key, title in _MEASURES.items() if key in rows),
    )


def _row(title: str, row: dict[Any, Any]) -> Row:
    writers: dict[str, Callable[[float], str]] = {"ha": hectares, "share": percent}
    write = writers.get(row["unit"], partial(decimal, digits=1))
    texts = [write(row[name]) for name in ("value", "lower", "upper")]
    error = "" if pd.isna(row["standard_error"]) else write(row["standard_error"])
    span = "" if pd.isna(row["lower"]) else f"{texts[1]} to {texts[2]}"
    note = ""
    if row["cannot_tell"] and row["measure"] == "area":
        note = f"{write(row['least'])} to {write(row['most'])} if nobody or everybody unsure saw a mine"
    return Row(title, (Cell(texts[0]), Cell(span), Cell(error)), note)
