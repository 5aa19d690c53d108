"""Alerts: new, newly confirmed and grown sites since an earlier table of sites."""

from enum import StrEnum
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mining_the_mines.monitoring.site_table import SITE_COLUMNS, Confirmation, SiteStatus


class AlertKind(StrEnum):
    """Reason of an alert, the most urgent first. A new site is no growth, and a newly confirmed one may have grown."""

    NEW = "new"
    CONFIRMED = "confirmed"
    GROWN = "grown"


#: Columns of alerts and their types, beside ``geometry``; those of the table of sites mean the same here.
#:
#: ``alert``: an :class:`AlertKind`.
#: ``longitude``, ``latitude``: a place inside the outline, degrees of WGS 84.
#: ``unit``: protected areas and concessions that it lies in, "; " between.
ALERT_COLUMNS: Final = {
    "alert": "str", "longitude": "float64", "latitude": "float64",
    **{
        name: SITE_COLUMNS[name]
        for name in (
            "hectares", "change_hectares", "onset_after", "onset_by", "status", "confirmation", "confidence",
        )
    },
    "unit": "str",
    **{name: SITE_COLUMNS[name] for name in ("review", "site_id", "region", "period", "start", "end", "last_date",
                                             "lineage_id")},
}  # fmt: skip
_SITE: Final = ["region", "site_id"]
#: Hectares from which a change is told.
_CHANGE: Final = 0.05


def list_events(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """List every event of a table of sites: each row in which a site was new, confirmed for the first time or grown.

    Args:
        sites: Table of sites.

    Returns:
        A row per event with the columns :data:`ALERT_COLUMNS` and ``geometry``: the latest period first, and within a
        period new sites first, then the largest.
    """
    before = sites.groupby(_SITE)["confirmation"].shift()
    confirmed = (sites["confirmation"] == Confirmation.CONFIRMED) & (before == Confirmation.PROVISIONAL)
    reasons = [sites["status"] == SiteStatus.NEW, confirmed, sites["status"] == SiteStatus.GROWN]
    events = sites.assign(alert=np.select(reasons, list(AlertKind), ""))
    events = events[events["alert"] != ""]
    inside = shapely.get_coordinates(shapely.point_on_surface(events.geometry.to_numpy()))
    units = [
        "; ".join(filter(None, names)) for names in zip(events["protected_area"], events["concession"], strict=True)
    ]
    events = events.assign(longitude=inside[:, 0].round(6), latitude=inside[:, 1].round(6), unit=units)
    rank = {kind: number for number, kind in enumerate(AlertKind)}
    events = events.sort_values(
        ["start", "alert", "hectares", *_SITE],
        ascending=[False, True, False, True, True],
        key=lambda column: column.map(rank) if column.name == "alert" else column,
        ignore_index=True,
    )
    return events[[*ALERT_COLUMNS, "geometry"]].astype(ALERT_COLUMNS)


def find_alerts(sites: gpd.GeoDataFrame, known: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Compare a table of sites with an earlier one, and list the alerts.

    A site that counted before is never new, whatever a new map says of its beginning.

    Args:
        sites: Table of sites.
        known: Table of the last run; ``None`` on the first one. A region that it lacks is compared with the region's
            own rows before the last period.

    Returns:
        The events of :func:`list_events` that the known table does not tell.
    """
    told = _known_rows(sites, known)
    events = list_events(sites)
    key = pd.MultiIndex.from_frame(events[_SITE])
    with_period = pd.MultiIndex.from_frame(events[[*_SITE, "period"]])
    counted = told[~told["status"].isin([SiteStatus.CANDIDATE, SiteStatus.INACTIVE, SiteStatus.NOT_SEEN])]
    confirmed, grown = told[told["confirmation"] == Confirmation.CONFIRMED], told[told["status"] == SiteStatus.GROWN]
    is_known = {
        AlertKind.NEW: key.isin(pd.MultiIndex.from_frame(counted[_SITE])),
        AlertKind.CONFIRMED: key.isin(pd.MultiIndex.from_frame(confirmed[_SITE])),
        AlertKind.GROWN: with_period.isin(pd.MultiIndex.from_frame(grown[[*_SITE, "period"]])),
    }
    fresh = np.zeros(len(events), dtype=np.bool_)
    for kind, known_already in is_known.items():
        fresh |= (events["alert"] == kind).to_numpy() & ~known_already
    return events[fresh].reset_index(drop=True)


def describe_alert(alert: Any) -> str:  # noqa: ANN401 - a row as pandas' itertuples yields it
    """Describe an alert in one line, such as "new site tapajos-0002: 4.0 hectares at -6.00000, -55.98000 …"."""
    change = np.nan if alert.alert == AlertKind.NEW else alert.change_hectares
    size = size_text(alert.hectares, change) or "not seen"
    parts = [
        f"{alert.alert} site {alert.site_id}: {size} at {alert.latitude:.5f}, {alert.longitude:.5f}",
        f"period {alert.period}",
        onset_text(alert.onset_after, alert.onset_by),
        str(alert.confirmation),
        f"{alert.confidence} confidence" if alert.confidence else "",
        f"in {alert.unit}" if alert.unit else "",
        "to be reviewed" if alert.review is not pd.NA and alert.review else "",
    ]
    return ", ".join(filter(None, parts))


def size_text(hectares: float, change: float) -> str:
    """Describe the columns ``hectares`` and ``change_hectares``; empty if the site was not seen."""
    if np.isnan(hectares):
        return ""
    return f"{hectares:.1f} hectares" + (f" ({change:+.1f})" if abs(change) >= _CHANGE else "")


def onset_text(after: pd.Timestamp, by: pd.Timestamp) -> str:
    """Describe when a mine began, by the columns ``onset_after`` and ``onset_by``; empty if unknown."""
    if pd.isna(by):
        return ""
    if pd.isna(after):
        return f"began by {by:%Y-%m-%d}"
    return f"began after {after:%Y-%m-%d} and by {by:%Y-%m-%d}"


def _known_rows(sites: gpd.GeoDataFrame, known: gpd.GeoDataFrame | None) -> pd.DataFrame:
    earlier = sites[sites["start"] < sites.groupby("region")["start"].transform("max")]
    if known is None:
        return pd.DataFrame(earlier)
    return pd.concat([pd.DataFrame(known), pd.DataFrame(earlier[~earlier["region"].isin(known["region"])])])
