"""The node of monitoring that scores sites against mines with known dates."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, starmap
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from shapely.geometry.base import BaseGeometry

from mining_the_mines.geo.mine_polygons import LON_LAT
from mining_the_mines.mapping.probability_raster import read_probability
from mining_the_mines.mapping.scene_map import SceneMap, SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.period_settings import PeriodSceneSettings
from mining_the_mines.monitoring.site_table import Confirmation, SiteStatus
from mining_the_mines.rasters.scene import open_rows
from mining_the_mines.scoring.change_matching import Look, compare_changes, without_truth
from mining_the_mines.scoring.change_rivals import INDEX_BANDS, polygonize_change
from mining_the_mines.scoring.site_scores import (
    INDEX_DIFFERENCE,
    MAP_DIFFERENCE,
    SITES,
    SiteEvaluation,
    score_changes,
    select_site_scores,
)

logger = logging.getLogger(__name__)

#: A map with the look that it stands for.
LookedAt = tuple[Look, SceneMap]
Mask = npt.NDArray[np.bool_]
#: Rows of a region that the rivals compare at a time.
_ROWS: Final = 512


def score_sites(
    monitored_sites: gpd.GeoDataFrame,
    monitored_maps: tuple[PeriodResult[SceneMaps], ...],
    dated_mines: gpd.GeoDataFrame | None,
    simulated_mines: gpd.GeoDataFrame | None,
    changing_series: Mapping[str, Any],
    wanted: PeriodSceneSettings,
    evaluation: SiteEvaluation,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Score new sites against mines whose opening is known, beside two rivals that compare pixels.

    Args:
        monitored_sites: The table of sites.
        monitored_maps: Maps by period.
        dated_mines: Known mines with dates that a person names, if any.
        simulated_mines: Those of the simulated ground.
        changing_series: Settings of the simulated archive; empty if there is none.
        wanted: Rasters that a person names; simulated mines judge none of them.
        evaluation: Matching, rivals and intervals.

    Returns:
        Every mine that was due, every claim and every change of area; and the table of scores. Both are empty without
        known mines.
    """
    looks = looks_of(monitored_maps)
    simulated = simulated_mines if changing_series and not wanted.paths else None
    known = simulated if dated_mines is None else dated_mines
    if known is None or not looks:
        comparison = without_truth((SITES,))
    else:
        claims = {SITES: claims_of_sites(monitored_sites), **rival_claims(looks, evaluation)}
        areas = monitored_sites.rename(columns={"site_id": "object"})
        seen = [look for look, _ in looks]
        comparison = compare_changes(known, seen, claims, areas, evaluation.matching)
    table = score_changes(comparison, evaluation.bootstrap)
    _report(table)
    return comparison.objects, table


def looks_of(monitored_maps: Sequence[PeriodResult[SceneMaps]]) -> list[LookedAt]:
    """Looks at each region in order of time; maps without dates or without data are left out."""
    return [
        (
            Look(found.name, each.period.name, found.record.scene.dates, found.mapped_area, found.grid.crs.to_wkt()),
            found,
        )
        for each in monitored_maps
        if each.result
        for found in each.result.maps
        if found.record.scene.dates and found.record.mapped_share
    ]


def claims_of_sites(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """New sites as claims: the outline in the first period, and when they were confirmed."""
    ends = sites["last_date"].fillna(sites["end"])
    confirmed = ends[sites["confirmation"] == Confirmation.CONFIRMED].groupby(sites["site_id"]).min()
    claims = sites[sites["status"] == SiteStatus.NEW].rename(columns={"site_id": "object"})
    return claims.assign(confirmed_on=pd.to_datetime(claims["object"].map(dict(confirmed))))


def rival_claims(looks: Sequence[LookedAt], evaluation: SiteEvaluation) -> dict[str, gpd.GeoDataFrame]:
    """New ground by the two rivals, each period against the one before in which the region was seen.

    The difference of indices is left out, with a warning, if the model doesn't read the bands that it needs.
    """
    maps, indices = evaluation.map_difference, evaluation.index_difference

    def by_maps(before: SceneMap, after: SceneMap) -> Iterator[Mask]:
        return starmap(maps.changed, zip(_probability(before), _probability(after), strict=True))

    def by_indices(before: SceneMap, after: SceneMap) -> Iterator[Mask]:
        return starmap(indices.changed, zip(_reflectance(before), _reflectance(after), strict=True))

    claims = {MAP_DIFFERENCE: _differences(looks, by_maps, maps.minimum_hectares)}
    lacking = [band for band in INDEX_BANDS if any(band not in found.record.chips.bands for _, found in looks)]
    if lacking:
        logger.warning(
            "New sites are not compared with the difference of indices: the maps' images lack %s", ", ".join(lacking)
        )
        return claims
    return claims | {INDEX_DIFFERENCE: _differences(looks, by_indices, indices.minimum_hectares)}


def _differences(
    looks: Sequence[LookedAt], changed: Callable[[SceneMap, SceneMap], Iterable[Mask]], hectares: float
) -> gpd.GeoDataFrame:
    columns = ["region", "period", "object"]
    parts = [gpd.GeoDataFrame({name: [] for name in columns}, geometry=[], crs=LON_LAT)]
    for region in dict.fromkeys(look.region for look, _ in looks):
        own = [(look, found) for look, found in looks if look.region == region]
        for (_, before), (look, after) in pairwise(own):
            found = polygonize_change(changed(before, after), after.grid, hectares)
            parts.append(_claims(look, found))
    return gpd.GeoDataFrame(pd.concat([part for part in parts if len(part)] or parts, ignore_index=True))


def _claims(look: Look, polygons: Sequence[BaseGeometry]) -> gpd.GeoDataFrame:
    names = [f"{look.period}-{number}" for number in range(len(polygons))]
    columns = {"region": look.region, "period": look.period, "object": names}
    return gpd.GeoDataFrame(columns, geometry=list(polygons), crs=look.crs).to_crs(LON_LAT)


def _probability(found: SceneMap) -> Iterator[npt.NDArray[np.float32]]:
    return (rows for _, rows in read_probability(found.probability, _ROWS))


def _reflectance(found: SceneMap) -> Iterator[Mapping[str, npt.NDArray[np.float32]]]:
    with open_rows(found.record.scene, found.record.chips, found.grid, INDEX_BANDS) as scene:
        for first in range(0, found.grid.height, _ROWS):
            rows = scene.decode(scene.read(first, min(first + _ROWS, found.grid.height)))
            yield dict(zip(INDEX_BANDS, rows, strict=True))


def _report(table: pd.DataFrame) -> None:
    for method in dict.fromkeys(table["method"]):
        rows = select_site_scores(table)
        figures = rows[rows["method"] == method].set_index("metric")
        if "new_f1" in figures.index:
            f1 = figures.loc["new_f1"]
            logger.info("New sites by %s: F1 %.2f (%.2f to %.2f)", method, f1["value"], f1["low"], f1["high"])
