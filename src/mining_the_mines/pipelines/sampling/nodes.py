"""Nodes of sampling."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from mining_the_mines.assessment import drawing
from mining_the_mines.assessment.settings import SamplingSettings
from mining_the_mines.assessment.strata import MapToSample
from mining_the_mines.assessment.truth import TRUTH_COLUMNS, answer_table_of_truth, known_areas, mines_midway
from mining_the_mines.geo.mine_polygons import MinePolygons
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult

logger = logging.getLogger(__name__)


def draw_sample(
    scene_maps: SceneMaps,
    units: NamedAreas | None,
    sampling: SamplingSettings,
    earlier: gpd.GeoDataFrame | None,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Draw a stratified random sample of the maps of scenes.

    Args:
        scene_maps: The maps.
        units: Named areas that strata or estimates are divided by, if any are named.
        sampling: Strata, sizes and seed.
        earlier: The sample that the new one follows, if there is one.

    Returns:
        The sample and its strata.
    """
    return _draw([MapToSample(found) for found in scene_maps.maps], units, sampling, earlier)


def draw_period_sample(
    monitored_maps: Sequence[PeriodResult[SceneMaps]],
    units: NamedAreas | None,
    sampling: SamplingSettings,
    earlier: gpd.GeoDataFrame | None,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Draw a stratified random sample of the maps of each period; see :func:`draw_sample`."""
    return _draw(_maps_of(monitored_maps), units, sampling, earlier)


def answer_from_truth(
    sample: gpd.GeoDataFrame,
    scene_maps: SceneMaps,
    units: NamedAreas | None,
    mine_polygons: MinePolygons | None,
    simulated_series: dict[str, Any] | None,
    scene: Any,  # noqa: ANN401 - any value of the parameter
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answer the sample from the simulated truth, where the mapped ground is simulated.

    Args:
        sample: The sample.
        scene_maps: The maps that it was drawn from.
        units: Named areas to divide known areas by.
        mine_polygons: Mines of the simulated regions.
        simulated_series: Settings of the simulation; empty if the ground is real.
        scene: Scenes that a person has named, of which no simulation knows the truth.

    Returns:
        Answers of the reviewer "simulated truth", and the known areas of mines; both empty if the ground is real.
    """
    if not simulated_series or scene or mine_polygons is None:
        return _without_truth(sample)
    mines = mine_polygons.geometry
    known = known_areas([(MapToSample(found), mines) for found in scene_maps.maps], units)
    return answer_table_of_truth(sample, mines), known


def answer_from_period_truth(
    sample: gpd.GeoDataFrame,
    monitored_maps: Sequence[PeriodResult[SceneMaps]],
    units: NamedAreas | None,
    changing_series: dict[str, Any],
    changing_archive_folder: Path,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answer the sample of periods from the simulated truth, where the watched ground is simulated.

    Args:
        sample: The sample.
        monitored_maps: The maps that it was drawn from.
        units: Named areas to divide known areas by.
        changing_series: Settings of the simulation; empty if the ground is real.
        changing_archive_folder: Folder with the simulated mines by date.

    Returns:
        As :func:`answer_from_truth` does; a mine counts by its outline midway between the images of a map.
    """
    if not changing_series:
        return _without_truth(sample)
    states = gpd.read_file(changing_archive_folder / "mines.gpkg")
    known = [(source, mines_midway(states, source)) for source in _maps_of(monitored_maps)]
    parts = []
    for source, mines in known:
        here = (sample["region"] == source.scene_map.name) & (sample["period"] == source.period)
        parts.append(answer_table_of_truth(sample[here], mines))
    return pd.concat(parts, ignore_index=True), known_areas(known, units)


def _maps_of(monitored_maps: Sequence[PeriodResult[SceneMaps]]) -> list[MapToSample]:
    return [
        MapToSample(found, each.period.name)
        for each in monitored_maps
        if each.result is not None
        for found in each.result.maps
    ]


def _without_truth(sample: gpd.GeoDataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return answer_table_of_truth(sample.iloc[:0], np.array([])), pd.DataFrame(columns=list(TRUTH_COLUMNS)).astype(
        TRUTH_COLUMNS
    )


def _draw(
    maps: Sequence[MapToSample],
    units: NamedAreas | None,
    sampling: SamplingSettings,
    earlier: gpd.GeoDataFrame | None,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    drawn = drawing.draw_sample(maps, sampling, units)
    if earlier is not None:
        _compare(drawn.places, earlier)
    return drawn.places, drawn.strata


def _compare(sample: gpd.GeoDataFrame, earlier: gpd.GeoDataFrame) -> None:
    """Say how a sample follows an earlier one."""
    kept = earlier["place_id"].isin(sample["place_id"]).sum()
    changed = sorted(set(earlier["map_hash"]) - set(sample["map_hash"]))
    if changed:
        names = ", ".join(sorted(earlier.loc[earlier["map_hash"].isin(changed), "region"].unique()))
        logger.warning(
            "The map of %s was made again since the last sample was drawn. That sample stays valid for the strata that "
            "it was drawn from; this one is new, and holds %d of the last %d places. To estimate with the last one, "
            "take kedro run --pipelines=area_estimation --load-versions=sample:VERSION,sample_strata:VERSION.",
            names, kept, len(earlier),
        )  # fmt: skip
    elif kept < len(earlier):
        logger.warning("%d of the last %d places are not in this sample.", len(earlier) - kept, len(earlier))
    elif len(sample) > len(earlier):
        logger.info("%d places are added to the last %d.", len(sample) - len(earlier), len(earlier))
