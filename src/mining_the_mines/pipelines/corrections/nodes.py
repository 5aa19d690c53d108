"""Nodes of corrections."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from mining_the_mines.chips.corrected_ground import REVIEW, apply_corrections
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import read_grid
from mining_the_mines.geo.mine_polygons import LON_LAT, MinePolygons
from mining_the_mines.review.corrections import find_corrections
from mining_the_mines.scenes.composite_files import Composite


def learn_from_reviews(
    review_answers: pd.DataFrame,
    earlier_sample: gpd.GeoDataFrame | None,
    composites: Sequence[Composite],
    earlier_manifest: pd.DataFrame,
    earlier_folds: pd.DataFrame,
    mine_polygons: MinePolygons | None,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Make labels and corrected polygons of the answers of reviewers, but for ground that models must not see.

    Args:
        review_answers: The answers.
        earlier_sample: Places kept for estimates of area, if a sample was drawn.
        composites: One a region; those without training chips are kept for testing as a whole.
        earlier_manifest: Where each chip lies.
        earlier_folds: Which of them are kept for testing.
        mine_polygons: Polygons of mines as they were, if any are named.

    Returns:
        The corrections and the corrected polygons.

    Raises:
        BadInputError: No answer can be learnt from.
    """
    trained = earlier_folds.loc[earlier_folds["split"] != "test", "place"]
    seen = {str(place).rsplit("/", 1)[0] for place in trained}
    unseen = [read_grid(each.image).wgs84_bounds for each in composites if each.region not in seen]
    tested = earlier_manifest["filename"].isin(earlier_folds.loc[earlier_folds["split"] == "test", "filename"])
    boxes = earlier_manifest.loc[tested, ["left", "bottom", "right", "top"]].dropna().to_numpy(dtype=np.float64)
    unseen += [(west, south, east, north) for west, south, east, north in boxes.tolist()]
    corrections = find_corrections(review_answers, earlier_sample, unseen, mine_polygons)
    if corrections.empty:
        raise BadInputError(
            f"None of the {len(review_answers)} answers can be learnt from: review sites of regions that models are "
            "trained on with kedro review --sites; places of the sample and the test split are kept apart."
        )
    polygons = apply_corrections(mine_polygons, corrections).polygons
    drawn = int((polygons.inventory["layer"] == REVIEW).sum())
    origin = ["polygons"] * (len(polygons) - drawn) + [REVIEW] * drawn
    columns = {"kind": pd.Series(polygons.kinds, dtype="str"), "origin": pd.Series(origin, dtype="str")}
    return corrections, gpd.GeoDataFrame(columns, geometry=polygons.geometry, crs=LON_LAT)
