"""Answers of reviewers as labels: what the polygons of mines should say where people looked."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

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
#: A place of a sample is kept apart from training with the ground so near to it, in degrees: about 1 km.
_APART: Final = 0.01


def find_corrections(answers: pd.DataFrame, sample: pd.DataFrame | None, unseen: Sequence[Box]) -> gpd.GeoDataFrame:
    """Make labels of answers.

    Reviewers must agree: places with as many answers for as against a mine, and those that nobody can tell, are left
    out. So are all places that must stay unknown to models: those of a probability sample, ground within 1 km of them,
    and regions of the test split.

    Args:
        answers: The table of answers.
        sample: Places kept for estimates of area, with ``place_id``, ``longitude`` and ``latitude``, if there are any.
        unseen: Regions of the test split: west, south, east and north in degrees.

    Returns:
        One row per corrected place with :data:`CORRECTION_COLUMNS`, sorted by ``place_id``.
    """
    told = answers[answers["answer"] != Answer.CANNOT_TELL]
    kept = told[~_is_kept(told, sample, unseen)]
    if len(kept) < len(told):
        logger.info(
            "%d answers are no labels, since their ground is kept for estimates of area or for the test split.",
            len(told) - len(kept),
        )
    rows = [row for _, given in kept.groupby("place_id") if (row := _decide(given)) is not None]
    geometry = [row.pop("geometry") for row in rows]
    frame = pd.DataFrame(rows, columns=list(CORRECTION_COLUMNS)).astype({"label": "int64"})
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=LON_LAT)


def correct_polygons(polygons: MinePolygons | None, corrections: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Correct polygons of mines by what reviewers say.

    A polygon around a place without a mine is dropped. One that a drawn outline overlaps is replaced by the outline,
    and an outline that overlaps none is added. A mine without an outline where no polygon is changes nothing, since
    nobody knows how far it reaches.

    Args:
        polygons: As they were, if there are any.
        corrections: From :func:`find_corrections`.

    Returns:
        The corrected polygons in degrees of WGS 84 with ``kind``, and ``origin``: ``polygons``, or ``review`` for drawn
        outlines.
    """
    drawn = corrections[corrections["label"].eq(1) & corrections.geom_type.isin(["Polygon", "MultiPolygon"])]
    rejected = corrections[corrections["label"].eq(0)]
    shapes = np.empty(0, dtype=object) if polygons is None else polygons.geometry
    kinds = np.array([] if polygons is None else polygons.kinds, dtype=object)
    tree = shapely.STRtree(shapes)
    wrong = tree.query(shapely.points(rejected["longitude"], rejected["latitude"]), predicate="intersects")[1]
    redrawn = tree.query(drawn.geometry.to_numpy(), predicate="intersects")[1]
    left = np.ones(len(shapes), dtype=bool)
    left[np.concatenate([wrong, redrawn])] = False
    logger.info(
        "%d polygons are dropped and %d redrawn; %d outlines were drawn.",
        len(np.unique(wrong)), len(np.unique(redrawn)), len(drawn),
    )  # fmt: skip
    return gpd.GeoDataFrame(
        {
            "kind": pd.Series([*kinds[left], *[""] * len(drawn)], dtype="str"),
            "origin": pd.Series(["polygons"] * int(left.sum()) + ["review"] * len(drawn), dtype="str"),
        },
        geometry=[*shapes[left], *drawn.geometry],
        crs=LON_LAT,
    )


def _is_kept(answers: pd.DataFrame, sample: pd.DataFrame | None, unseen: Sequence[Box]) -> npt.NDArray[np.bool_]:
    """Which answers lie on ground that models must not learn from."""
    places = shapely.points(answers["longitude"], answers["latitude"])
    kept = np.zeros(len(answers), dtype=bool)
    for box in unseen:
        kept |= shapely.intersects(places, shapely.union_all(list(_boxes(box))))
    if sample is not None and len(sample) and len(answers):
        kept |= answers["place_id"].isin(sample["place_id"]).to_numpy()
        tree = shapely.STRtree(gpd.points_from_xy(sample["longitude"], sample["latitude"]).to_numpy())
        kept[tree.query(places, predicate="dwithin", distance=_APART)[0]] = True
    return kept


def _boxes(box: Box) -> Iterator[shapely.Polygon]:
    """The box, in two parts where it crosses the antimeridian."""
    west, south, east, north = box
    if west > east:
        yield shapely.box(west, south, 180, north)
        west = -180
    yield shapely.box(west, south, east, north)


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
