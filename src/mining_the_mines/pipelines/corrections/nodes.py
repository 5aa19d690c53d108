"""Nodes of corrections."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import read_grid
from mining_the_mines.geo.mine_polygons import MinePolygons
from mining_the_mines.review.corrections import correct_polygons, find_corrections


def learn_from_reviews(
    review_answers: pd.DataFrame,
    earlier_sample: gpd.GeoDataFrame | None,
    test_regions: Sequence[Mapping[str, Any]],
    mine_polygons: MinePolygons | None,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Make labels and corrected polygons of the answers of reviewers, but for ground that models must not see.

    Args:
        review_answers: The answers.
        earlier_sample: Places kept for estimates of area, if a sample was drawn.
        test_regions: Regions that no model has seen.
        mine_polygons: Polygons of mines as they were, if any are named.

    Returns:
        The corrections and the corrected polygons.

    Raises:
        BadInputError: No answer can be learnt from.
    """
    unseen = [read_grid(Path(region["path"])).wgs84_bounds for region in test_regions if not region["seen"]]
    corrections = find_corrections(review_answers, earlier_sample, unseen)
    if corrections.empty:
        raise BadInputError(
            f"None of the {len(review_answers)} answers can be learnt from: review sites of regions that models are "
            "trained on with kedro review --sites; places of the sample and the test split are kept apart."
        )
    return corrections, correct_polygons(mine_polygons, corrections)
