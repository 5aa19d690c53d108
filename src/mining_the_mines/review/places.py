"""Places to judge: from a probability sample, or from the table of sites."""

from dataclasses import dataclass, field
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import shapely

from mining_the_mines.core.errors import BadInputError

#: Columns that a table of places needs beside its geometry.
_NEEDED: Final = ("place_id", "longitude", "latitude", "region", "period")


@dataclass(frozen=True)
class Place:
    """A place to judge.

    Attributes:
        place_id: Its id.
        region: Name of its region.
        period: Name of the period to judge; empty if the map has none.
        longitude: Degrees east of its centre.
        latitude: Degrees north of its centre.
        outline: Pixel or polygon to judge, in degrees of WGS 84; ``None`` for the centre alone.
        mapped: True if the outline is that of a mapped mine, which a reviewer may correct.
        hidden: The map's own answer in words, by heading; nobody sees it before having answered.
    """

    place_id: str
    region: str
    period: str
    longitude: float
    latitude: float
    outline: shapely.Geometry | None = None
    mapped: bool = False
    hidden: dict[str, str] = field(default_factory=dict, repr=False)


def places_of_sample(sample: pd.DataFrame) -> list[Place]:
    """Take the places of a sample in an order any beginning of which is a smaller sample of all strata.

    Places follow by their share of the random order of their stratum, so that half of a review is a sample of half the
    size; the order tells nothing of the map. A sample without that order is taken as it is.

    Args:
        sample: With ``place_id``, ``longitude``, ``latitude``, ``region``, ``period`` and, if it has them, ``geometry``
            in degrees of WGS 84, ``map_class``, ``probability``, ``draw`` and ``stratum_places``.

    Raises:
        BadInputError: A column is missing, or a place is there twice.
    """
    missing = [name for name in _NEEDED if name not in sample.columns]
    if missing:
        raise BadInputError(
            f"The sample has no column {', '.join(missing)}: draw it again with kedro run --pipelines=sampling."
        )
    doubled = sample.loc[sample["place_id"].duplicated(), "place_id"]
    if len(doubled):
        raise BadInputError(f"The sample holds the place {doubled.iloc[0]} twice: draw it again with another seed.")
    if {"draw", "stratum_places"} <= set(sample.columns):
        turn = (sample["draw"] - 0.5) / sample["stratum_places"]
        sample = sample.assign(turn=turn).sort_values(["turn", "place_id"])
    return [
        Place(
            place_id=str(row["place_id"]),
            region=str(row["region"]),
            period=str(row["period"]),
            longitude=float(row["longitude"]),
            latitude=float(row["latitude"]),
            outline=_shape(row.get("geometry")),
            hidden=_told(row, {"map_class": "The map says", "probability": "Probability of mine"}),
        )
        for row in sample.to_dict("records")
    ]


def places_of_sites(sites: gpd.GeoDataFrame) -> list[Place]:
    """Take the sites of the newest period in which each was seen.

    Args:
        sites: The table of sites.

    Returns:
        One place a site, called after site and period.

    Raises:
        BadInputError: There is no site.
    """
    seen = sites[sites["hectares"].fillna(0) > 0]
    if seen.empty:
        raise BadInputError("The table of sites holds no site with an outline: there is nothing to review.")
    newest = seen.sort_values(["region", "site_id", "start"]).drop_duplicates(["region", "site_id"], keep="last")
    centres = shapely.point_on_surface(newest.geometry.to_numpy())
    headings = {"status": "Status", "probability": "Probability of mine", "confirmation": "Confirmation"}
    return [
        Place(
            place_id=f"{row['site_id']}_{row['period']}",
            region=str(row["region"]),
            period=str(row["period"]),
            longitude=float(shapely.get_x(centre)),
            latitude=float(shapely.get_y(centre)),
            outline=_shape(row["geometry"]),
            mapped=True,
            hidden=_told(row, headings),
        )
        for row, centre in zip(newest.to_dict("records"), centres, strict=True)
    ]


def _shape(value: Any) -> shapely.Geometry | None:  # noqa: ANN401 - a cell of a table
    return value if isinstance(value, shapely.Geometry) and not shapely.is_empty(value) else None


def _told(row: dict[Any, Any], headings: dict[str, str]) -> dict[str, str]:
    """The map's answer in words."""
    told = {}
    for name, heading in headings.items():
        value = row.get(name)
        if value is not None and not pd.isna(value) and value != "":
            told[heading] = f"{value:.0%}" if isinstance(value, float) else str(value).replace("_", " ")
    return told
