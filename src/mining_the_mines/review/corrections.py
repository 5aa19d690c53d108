"""Answers of reviewers as labels: what the polygons of mines should say where people looked."""

import logging
from collections.abc import Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from mining_the_mines.geo.antimeridian import split_boxes
from mining_the_mines.geo.grid import Box
from mining_the_mines.geo.mine_polygons import LON_LAT, MinePolygons
from mining_the_mines.review.answer_table import Answer

logger = logging.getLogger(__name__)

#: Columns of the table of corrections, beside ``geometry``: the drawn outline in degrees of WGS 84, else the place.
#:
#: ``label``: 1 for a mine and 0 for none. ``category``: the look-alike of a place without a mine. ``reviewers``: names
#: of those who agree, separated by commas. ``answer_ids``: their answers, blank-separated.
CORRECTION_COLUMNS: Final = (
    "place_id", "region", "period", "longitude", "latitude", "label", "category", "reviewers", "answer_ids",
)  # fmt: skip
#: Kept ground is kept apart from training with the ground so near to it, in degrees of latitude: about 1 km.
_APART: Final = 0.01
#: Boxes wider than this are regions and no chips, in degrees: about 20 km.
_REGION: Final = 0.2


def find_corrections(
    answers: pd.DataFrame, sample: pd.DataFrame | None, unseen: Sequence[Box], polygons: MinePolygons | None = None
) -> gpd.GeoDataFrame:
    """Make labels of answers.

    Reviewers must agree: places with as many answers for as against a mine, and those that nobody can tell, are left
    out. So are all answers that touch ground which must stay unknown to models: places of a probability sample, chips
    and regions of the test split, and the ground within 1 km of them. An answer touches ground with its place, its
    outline and the polygons that it would change.

    Args:
        answers: The table of answers.
        sample: Places kept for estimates of area, with ``place_id``, ``longitude`` and ``latitude``, if there are any.
        unseen: Regions and chips of the test split: west, south, east and north in degrees.
        polygons: Polygons of mines as they were, if there are any.

    Returns:
        One row per corrected place with :data:`CORRECTION_COLUMNS`, sorted by ``place_id``.
    """
    told = answers[answers["answer"] != Answer.CANNOT_TELL]
    sampled = set() if sample is None else set(sample["place_id"])
    kept = told[~(_is_kept(told, _kept_ground(sample, unseen), polygons) | told["place_id"].isin(sampled))]
    if len(kept) < len(told):
        logger.info(
            "%d answers are no labels, since their ground is kept for estimates of area or for the test split.",
            len(told) - len(kept),
        )
    rows = [row for _, given in kept.groupby("place_id") if (row := _decide(given)) is not None]
    geometry = [row.pop("geometry") for row in rows]
    frame = pd.DataFrame(rows, columns=list(CORRECTION_COLUMNS)).astype({"label": "int64"})
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=LON_LAT)


def _is_kept(answers: pd.DataFrame, kept: shapely.STRtree, polygons: MinePolygons | None) -> npt.NDArray[np.bool_]:
    """Which answers touch kept ground: with the place, the drawn outline, or a polygon that they would change."""
    drawn = [
        shapely.from_wkt(str(row["outline"])) if row["outline"] else shapely.Point(row["longitude"], row["latitude"])
        for row in answers.to_dict("records")
    ]
    shapes = np.array(drawn, dtype=object)
    found = [kept.query(shapes, predicate="intersects")[0]]
    places = np.array(shapely.points(answers["longitude"], answers["latitude"]), dtype=object)
    found.append(kept.query(places, predicate="intersects")[0])
    if polygons is not None:
        tree = shapely.STRtree(polygons.geometry)
        for part in (shapes, places):
            answer, polygon = tree.query(part, predicate="intersects")
            found.append(answer[kept.query(polygons.geometry[polygon], predicate="intersects")[0]])
    return np.isin(np.arange(len(answers)), np.concatenate(found))


def _kept_ground(sample: pd.DataFrame | None, unseen: Sequence[Box]) -> shapely.STRtree:
    """Boxes of the ground that models must not learn from, with their surroundings."""
    boxes = np.array(unseen, dtype=np.float64).reshape(-1, 4)
    if sample is not None:
        x, y = sample["longitude"].to_numpy(), sample["latitude"].to_numpy()
        boxes = np.concatenate([boxes, np.column_stack([x, y, x, y])])
    west, south, east, north = boxes.T
    # A chip around a corrected place must not overlap the ground of a chip that is kept.
    up = np.maximum(_APART, north - south)
    across = np.maximum(_APART / np.cos(np.radians((south + north) / 2)), (east - west) % 360)
    # A region is far wider than a chip: 1 km around it suffices.
    up, across = (np.where(edge > _REGION, _APART, edge) for edge in (up, across))
    wide = np.column_stack([west - across, south - up, east + across, north + up])
    return shapely.STRtree(np.array(shapely.box(*split_boxes(wide).T), dtype=object))


def _decide(given: pd.DataFrame) -> dict[str, Any] | None:
    """The correction that the answers to a place make; ``None`` where reviewers disagree evenly."""
    votes = given["answer"].value_counts()
    mine, none = int(votes.get(Answer.MINE, 0)), int(votes.get(Answer.NO_MINE, 0))
    if mine == none:
        return None
    agreeing = given[given["answer"] == (Answer.MINE if mine > none else Answer.NO_MINE)].sort_values("answered_at")
    newest = agreeing.iloc[-1]
    outlines, looks = (agreeing.loc[agreeing[name] != "", name] for name in ("outline", "look_alike"))
    place = shapely.Point(newest["longitude"], newest["latitude"])
    return {
        **{name: newest[name] for name in ("place_id", "region", "period", "longitude", "latitude")},
        "label": int(mine > none),
        "category": looks.iloc[-1] if len(looks) else "",
        "reviewers": ", ".join(sorted(set(agreeing["reviewer"]))),
        "answer_ids": " ".join(sorted(agreeing["answer_id"])),
        "geometry": shapely.from_wkt(outlines.iloc[-1]) if len(outlines) else place,
    }
