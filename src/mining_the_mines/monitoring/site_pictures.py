"""Pictures of sites before and after they began, in true colour at the same stretch."""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mining_the_mines.geo.grid import Box
from mining_the_mines.geo.mine_polygons import LON_LAT
from mining_the_mines.mapping.scene_map import SceneMap, SceneMaps
from mining_the_mines.monitoring.alerts import list_events
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.site_table import SiteStatus
from mining_the_mines.reporting.map_quicklooks import draw_surroundings, surroundings_of
from mining_the_mines.reporting.pictures import Colour, stretch_for

#: Side of a picture in pixels.
SIDE: Final = 256
_QUALITY: Final = 80
_LINE: Final[Colour] = (255, 255, 255)


class PeriodRegion(NamedTuple):
    """Key of a map: the period's name and the region."""

    period: str
    region: str


@dataclass(frozen=True)
class SitePicture:
    """A picture of a site.

    Attributes:
        region: Region of the site.
        site_id: The site.
        moment: ``before`` or ``after``.
        period: Name of the period.
        content: A JPEG of :data:`SIDE` pixels a side, with the last outline of the site.
    """

    region: str
    site_id: str
    moment: str
    period: str
    content: bytes


def maps_by_period(results: Iterable[PeriodResult[SceneMaps]]) -> dict[PeriodRegion, SceneMap]:
    """The maps of a series by period and region."""
    return {
        PeriodRegion(each.period.name, found.name): found
        for each in results
        if each.result is not None
        for found in each.result.maps
    }


def draw_site_pictures(
    sites: gpd.GeoDataFrame, maps: Mapping[PeriodRegion, SceneMap], most: int
) -> Iterator[SitePicture]:
    """Draw sites before they began and when they were last seen.

    Args:
        sites: Table of sites.
        maps: Maps of the series.
        most: Number of sites that are drawn: those of the latest events first, then the largest.

    Yields:
        One or two pictures per site. Before is the period of the last clear date without the mine; of a site that was
        there from the first look, that look.
    """
    seen = sites[~sites["status"].isin([SiteStatus.NOT_SEEN, SiteStatus.INACTIVE])]
    for region, site_id in _chosen(sites, seen)[:most]:
        rows = sites[(sites["region"] == region) & (sites["site_id"] == site_id)]
        after = seen.loc[rows.index.intersection(seen.index)].iloc[-1]
        moments = {"before": _period_before(sites, rows, after), "after": after["period"]}
        shown = {
            moment: maps[PeriodRegion(period, region)]
            for moment, period in moments.items()
            if PeriodRegion(period, region) in maps
        }
        if not shown:
            continue
        first = next(iter(shown.values()))
        outline = gpd.GeoSeries([after.geometry], crs=LON_LAT).to_crs(first.grid.crs.to_wkt()).iloc[0]
        box, _ = surroundings_of(outline, first.grid)
        for moment, content in _draw(shown, box, outline).items():
            yield SitePicture(region, site_id, moment, moments[moment], content)


def _chosen(sites: gpd.GeoDataFrame, seen: gpd.GeoDataFrame) -> list[tuple[str, str]]:
    """Sites that were ever seen, in the order in which they deserve a picture."""
    key = ["region", "site_id"]
    events = list_events(sites)[key]
    largest = seen.groupby(key, as_index=False)["hectares"].last().sort_values("hectares", ascending=False)[key]
    ordered = pd.concat([pd.DataFrame(events), pd.DataFrame(largest)]).drop_duplicates()
    known = set(seen[key].itertuples(index=False, name=None))
    return [(region, site) for region, site in ordered.itertuples(index=False, name=None) if (region, site) in known]


def _period_before(sites: gpd.GeoDataFrame, rows: gpd.GeoDataFrame, after: "pd.Series[Any]") -> str:
    """Name of the period of the last clear date without the mine, or of the first look; empty if that is the last."""
    begun = after["onset_after"]
    if pd.isna(begun):
        first = rows["period"].iloc[0]
        return "" if first == after["period"] else str(first)
    periods = sites.loc[(sites["start"] <= begun) & (sites["end"] >= begun), "period"]
    return "" if periods.empty else str(periods.iloc[0])


def _draw(shown: Mapping[str, SceneMap], box: Box, outline: shapely.Geometry) -> dict[str, bytes]:
    visible = {moment: found.picture(SIDE, box)[0] for moment, found in shown.items()}
    stretch = stretch_for(visible.values())
    pictures = {}
    for moment, reflectance in visible.items():
        if np.isnan(reflectance).all():
            continue
        buffer = io.BytesIO()
        image = draw_surroundings(reflectance, box, outline, _LINE, stretch, SIDE)
        image.save(buffer, "JPEG", quality=_QUALITY)
        pictures[moment] = buffer.getvalue()
    return pictures
