"""Answers and areas from ground whose mines are known, as in a simulation."""

from collections.abc import Sequence
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mining_the_mines.assessment.sample_table import MINE, NO_MINE
from mining_the_mines.assessment.settings import StrataSettings
from mining_the_mines.assessment.strata import MapStrata, MapToSample, paint
from mining_the_mines.geo.mine_polygons import LON_LAT, transformation
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.review.answer_table import answer_table

#: Name of the reviewer who answers from the truth.
SIMULATED_TRUTH: Final = "simulated truth"
#: Columns of the known areas and their types: a row per period, region and unit.
TRUTH_COLUMNS: Final = {"period": "str", "region": "str", "unit": "str", "hectares": "float64"}


def answer_table_of_truth(places: pd.DataFrame, mines: Geometries) -> pd.DataFrame:
    """Answer places from known mines, as a table of answers of the reviewer :data:`SIMULATED_TRUTH`."""
    answered = places[["place_id", "region", "period", "longitude", "latitude"]].assign(
        reviewer=SIMULATED_TRUTH, answer=answer_from_polygons(places, mines), origin=SIMULATED_TRUTH
    )
    return answer_table([{str(name): value for name, value in row.items()} for row in answered.to_dict("records")])


def answer_from_polygons(places: pd.DataFrame, mines: Geometries) -> pd.Series:
    """Answer places from known mines.

    Args:
        places: ``longitude`` and ``latitude`` of the middle of each pixel.
        mines: Polygons of all mines in degrees of WGS 84.

    Returns:
        The answer of each place.
    """
    points = shapely.points(places[["longitude", "latitude"]].to_numpy())
    inside = np.zeros(len(places), dtype=bool)
    inside[shapely.STRtree(mines).query(points, predicate="intersects")[0]] = True
    return pd.Series(np.where(inside, MINE, NO_MINE), places.index)


def mines_midway(states: gpd.GeoDataFrame, source: MapToSample) -> Geometries:
    """Choose the outlines that mines have midway between the first and the last image of a map.

    Args:
        states: Outlines by date in degrees of WGS 84: ``region``, ``valid_from`` and ``valid_to``, the first and the
            last day of each (missing while it holds).
        source: The map of a region, whose days are known.

    Returns:
        The outlines in the map's region.
    """
    facts = source.scene_map.record.facts
    first, last = pd.to_datetime([str(facts.first_date), str(facts.last_date)])
    day = first + (last - first) / 2
    valid = (states["valid_from"] <= day) & ~(states["valid_to"] < day.floor("D"))
    there: Geometries = states.geometry[valid & (states["region"] == source.scene_map.name)].to_numpy()
    return there


def known_areas(maps: Sequence[tuple[MapToSample, Geometries]], units: NamedAreas | None = None) -> pd.DataFrame:
    """Measure known mines on the ground that maps have seen; a pixel counts by its middle, as an answer does.

    Args:
        maps: Maps, and all mines at their time in degrees of WGS 84.
        units: Named areas to divide by.

    Returns:
        Hectares of mines; columns of :data:`TRUTH_COLUMNS`.
    """
    rows = []
    for source, mines in maps:
        found = source.scene_map
        strata = MapStrata(source, StrataSettings(near_metres=0), units)
        placed = shapely.transform(mines, transformation(LON_LAT, found.grid.crs.to_wkt()))
        hectares = np.zeros(len(strata.cells))
        for block in strata.blocks():
            there = (paint(placed, found.grid, block.first_row, len(block.cells)) > 0) & (block.cells >= 0)
            areas = np.broadcast_to(block.hectares[:, None], there.shape)
            hectares += np.bincount(block.cells[there], areas[there], minlength=len(hectares))
        units_of = [cell.unit for cell in strata.cells]
        by_unit = pd.Series(hectares).groupby(units_of).sum()
        rows += [
            {"period": source.period, "region": found.name, "unit": unit, "hectares": round(area, 6)}
            for unit, area in by_unit.items()
        ]
    return pd.DataFrame(rows, columns=list(TRUTH_COLUMNS)).astype(TRUTH_COLUMNS)
