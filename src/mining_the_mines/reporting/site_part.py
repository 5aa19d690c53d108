"""The part of the report on new sites: scores against known openings beside two rivals, and the alerts."""

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from mining_the_mines.reporting.formatting import decimal, signed_decimal
from mining_the_mines.reporting.tables import Table, plain_table, text_table
from mining_the_mines.scoring.site_scores import BY_PERIOD, METHOD_TITLES, SITE_METRICS, SITES, select_site_scores

#: Alerts that are listed, and their columns.
_MOST_ALERTS: Final = 30
_ALERT_COLUMNS: Final = (
    "site_id", "alert", "period", "hectares", "onset_after", "onset_by", "confirmation", "longitude", "latitude",
)  # fmt: skip
#: Decimals of figures that are no shares.
_DIGITS: Final = {"hectares": 2, "km2": 1, "detection": 0, "confirmation": 0}


@dataclass(frozen=True, eq=False)
class SiteData:
    """Report data of sites.

    Attributes:
        scores: Table of site scores; empty without mines whose opening is known.
        alerts: Table of alerts.
    """

    scores: pd.DataFrame
    alerts: pd.DataFrame


def arrange_sites(data: SiteData) -> dict[str, Any]:
    """Format the tables of the part.

    Args:
        data: Scores and alerts.

    Returns:
        Tables ``score_table``, ``difference_table`` and ``period_table``, each ``None`` without scores, and
        ``alert_table``, ``None`` without alerts; ``alerts``, their number.
    """
    alerts = data.alerts.sort_values("period", ascending=False, kind="stable")
    listed = alerts[[name for name in _ALERT_COLUMNS if name in alerts]].head(_MOST_ALERTS)
    return {
        "score_table": _score_table(data.scores),
        "difference_table": _difference_table(data.scores),
        "period_table": _period_table(data.scores),
        "alert_table": None if listed.empty else plain_table(_with_days(listed), "New and grown sites"),
        "alerts": len(alerts),
    }


def _score_table(scores: pd.DataFrame) -> Table | None:
    rows = select_site_scores(scores)
    methods = list(dict.fromkeys(rows["method"]))
    lines = [
        (title, *(_figure(rows[rows["method"] == method], metric) for method in methods))
        for metric, title in SITE_METRICS.items()
        if (rows["metric"] == metric).any()
    ]
    return text_table("Scores of new sites", ("", *(METHOD_TITLES.get(name, name) for name in methods)), lines)


def _difference_table(scores: pd.DataFrame) -> Table | None:
    rivals = [name for name in dict.fromkeys(scores["rival"]) if name]
    rows = {rival: select_site_scores(scores, rival=rival) for rival in rivals}
    lines = [
        (title, *(_figure(rows[rival], metric, signed=True) for rival in rivals))
        for metric, title in SITE_METRICS.items()
        if any((of["metric"] == metric).any() for of in rows.values())
    ]
    return text_table("Sites minus rivals", ("", *(METHOD_TITLES.get(name, name) for name in rivals)), lines)


def _period_table(scores: pd.DataFrame) -> Table | None:
    ours = scores[(scores["method"] == SITES) & (scores["rival"] == "") & (scores["period"] != "")]
    lines = [
        (period, *(_figure(rows, metric) for metric in BY_PERIOD)) for period, rows in ours.groupby("period", sort=True)
    ]
    return text_table("By period", ("", *(SITE_METRICS[metric] for metric in BY_PERIOD)), lines)


def _figure(rows: pd.DataFrame, metric: str, *, signed: bool = False) -> str:
    """A figure with its interval, such as ``0.83 (0.74 to 0.91)``."""
    of = rows[rows["metric"] == metric]
    if of.empty:
        return decimal(float("nan"))
    digits = _DIGITS.get(next((end for end in _DIGITS if end in metric and metric != "confirmed_recall"), ""), 2)
    write = signed_decimal if signed else decimal
    value, low, high = (float(of[name].iloc[0]) for name in ("value", "low", "high"))
    return f"{write(value, digits)} ({write(low, digits)} to {write(high, digits)})"


def _with_days(alerts: pd.DataFrame) -> pd.DataFrame:
    days = alerts.select_dtypes("datetime")
    return alerts.assign(**{str(name): days[name].dt.strftime("%Y-%m-%d") for name in days})
