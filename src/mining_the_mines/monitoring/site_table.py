"""The table of sites: a row per site and period."""

from collections.abc import Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from mining_the_mines.geo.mine_polygons import LON_LAT


class SiteStatus(StrEnum):
    """Status of a site in a period, against the last period in which its ground was seen.

    ``BASELINE`` is a site on the first clear look at its ground: nothing tells when it began. ``CANDIDATE`` is ground
    that is mapped for the first time, but is too small or too faint to count as new before a second look. ``NOT_SEEN``
    says that too little of the ground was clear; it never stands for a mine that is gone.
    """

    BASELINE = "baseline"
    CANDIDATE = "candidate"
    NEW = "new"
    GROWN = "grown"
    UNCHANGED = "unchanged"
    SMALLER = "smaller"
    INACTIVE = "inactive"
    NOT_SEEN = "not_seen"


class Confirmation(StrEnum):
    """Whether a site counts as a mine beyond doubt, by what was known at the end of a period."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"


#: Columns of the table of sites and their types, beside ``geometry`` in degrees of WGS 84 (EPSG:4326). A row is a site
#: in a period; rows begin with the period in which the site was first mapped and go on to the last period of the
#: series. The geometry is the outline of that period, or the last one known where the site is inactive or was not seen.
#:
#: ``region``, ``site_id``: region and id, which a site keeps for ever.
#: ``period``, ``start``, ``end``: name, first and last day of the period.
#: ``first_date``, ``last_date``: days of the first and last image that the composite used.
#: ``status``, ``confirmation``: a :class:`SiteStatus` and a :class:`Confirmation`.
#: ``confirmed_by``: ``second_look``, ``probability`` or ``neighbour``; empty while provisional.
#: ``hectares``: equal-area hectares of the outline. Missing where the site was not seen, 0 where it is inactive.
#: ``change_hectares``: against the last period in which it was seen, in which a candidate counts nothing; missing where
#: nothing can be compared.
#: ``onset_after``, ``onset_by``: the mine began after the first and at the latest on the second; ``onset_after`` is
#: missing where the ground was never seen without the mine.
#: ``probability``, ``peak_probability``: mean and highest probability in the outline, 0 to 1; missing where not seen.
#: ``clear_share``: share of the site's ground with data in the period, 0 to 1.
#: ``joined``: ids of the sites that it absorbed so far, separated by spaces.
#: ``confidence``, ``concession``, ``outside_concessions_ha``, ``protected_area``, ``protected_ha``, ``review``: as on
#: the map's polygons; hectares and ``review`` are missing where no layer is known.
#: ``model``, ``model_version``, ``lineage_id``: model and lineage id of the period's map.
SITE_COLUMNS: Final = MappingProxyType(
    {
        "site_id": "str", "region": "str", "period": "str", "start": "datetime64[ms]", "end": "datetime64[ms]",
        "first_date": "datetime64[ms]", "last_date": "datetime64[ms]", "status": "str", "confirmation": "str",
        "confirmed_by": "str", "hectares": "float64", "change_hectares": "float64", "onset_after": "datetime64[ms]",
        "onset_by": "datetime64[ms]", "probability": "float64", "peak_probability": "float64", "clear_share": "float64",
        "joined": "str", "confidence": "str", "concession": "str", "outside_concessions_ha": "float64",
        "protected_area": "str", "protected_ha": "float64", "review": "boolean", "model": "str", "model_version": "str",
        "lineage_id": "str",
    }
)  # fmt: skip


def site_table(rows: Sequence[dict[str, Any]]) -> gpd.GeoDataFrame:
    """Make a table of sites of rows, with all columns in order and in their types.

    Args:
        rows: Values by column, with ``geometry`` in degrees of WGS 84; a column left out is missing or empty.

    Returns:
        The table, sorted by region, site and period.
    """
    frame = pd.DataFrame(rows, columns=[*SITE_COLUMNS, "geometry"], dtype=object)
    texts = [name for name, kind in SITE_COLUMNS.items() if kind == "str"]
    frame = frame.fillna(dict.fromkeys(texts, "")).astype(dict(SITE_COLUMNS))
    ordered = frame.sort_values(["region", "site_id", "start"], ignore_index=True)
    return gpd.GeoDataFrame(ordered, geometry="geometry", crs=LON_LAT)
