"""Nodes of area estimation."""

import logging
from pathlib import Path

import geopandas as gpd
import pandas as pd

from mining_the_mines.assessment import answers, area_estimates
from mining_the_mines.assessment.agreement import measure_agreement
from mining_the_mines.assessment.settings import AreaSettings
from mining_the_mines.assessment.truth import SIMULATED_TRUTH
from mining_the_mines.mapping.scene_map import read_map

logger = logging.getLogger(__name__)


def judge_places(
    sample: gpd.GeoDataFrame,
    review_answers: pd.DataFrame,
    true_answers: pd.DataFrame,
    map_folder: Path,
    monitored_map_folder: Path,
    area_estimation: AreaSettings,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Put the answers of a sample together, and measure how far reviewers agree.

    Args:
        sample: The sample.
        review_answers: Answers of reviewers.
        true_answers: Answers from the simulated truth; none if the ground is real.
        map_folder: Folder of the maps of scenes, to see whether one was made again.
        monitored_map_folder: Folder of the maps of periods.
        area_estimation: Which answers count, and how several become one.

    Returns:
        Judged places with their combined answer, their reviewers and the last day; agreement; disagreements.
    """
    _doubt_new_maps(sample, map_folder, monitored_map_folder)
    given = _choose(review_answers, true_answers, area_estimation)
    judged = answers.judge_places(given, sample, area_estimation)
    logger.info("%d of %d places are judged.", len(judged.places), len(sample))
    by_place = judged.answers.groupby("place_id")
    days = by_place["answered_at"].max().dt.strftime("%Y-%m-%d").fillna("")
    places = judged.places.drop(columns="geometry").assign(
        reviewers=judged.places["place_id"].map(by_place["reviewer"].agg("; ".join)),
        answered=judged.places["place_id"].map(days),
    )
    return pd.DataFrame(places), measure_agreement(judged.answers), judged.disagreements


def estimate_areas(
    judged_places: pd.DataFrame,
    sample_strata: pd.DataFrame,
    true_areas: pd.DataFrame,
    area_estimation: AreaSettings,
) -> pd.DataFrame:
    """Estimate the area of mines and the accuracy of the maps, with standard errors and intervals.

    Args:
        judged_places: Judged places.
        sample_strata: Strata that they were drawn from.
        true_areas: Known areas; none if the ground is real.
        area_estimation: Rule for places where nobody can tell.

    Returns:
        A row per figure; empty as long as no place is judged.
    """
    if judged_places.empty:
        logger.warning("No place of the sample is judged yet, so no area is estimated: judge them with kedro review.")
        return area_estimates.without_estimates()
    truth = None if true_areas.empty else true_areas
    table = area_estimates.estimate_areas(judged_places, sample_strata, area_estimation, truth)
    for period in table.loc[table["measure"] == "area", "period"].unique():
        logger.info("%s%s", f"{period}: " if period else "", area_estimates.explain_difference(table, period))
    return table


def _choose(review_answers: pd.DataFrame, true_answers: pd.DataFrame, settings: AreaSettings) -> pd.DataFrame:
    known = len(true_answers) > 0
    if settings.answers == "simulated_truth" or (settings.answers is None and known):
        if known:
            logger.info("Answers are taken from the simulated truth (reviewer %r).", SIMULATED_TRUTH)
        return true_answers
    return review_answers


def _doubt_new_maps(sample: gpd.GeoDataFrame, map_folder: Path, monitored_map_folder: Path) -> None:
    """Warn of maps that were made again since the sample was drawn."""
    drawn_from = sample[["region", "period", "map_hash"]].drop_duplicates()
    for row in drawn_from.itertuples(index=False):
        found = read_map(monitored_map_folder / row.period if row.period else map_folder, row.region)
        if found is not None and found.record.content_hash != row.map_hash:
            logger.warning(
                "The map of %s was made again since the sample was drawn: the estimate holds for the ground, and "
                "strata and pixel count are those of the map that the sample was drawn from.",
                f"{row.region} in {row.period}" if row.period else row.region,
            )
