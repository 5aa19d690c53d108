"""Folds and a test split that no place crosses.

Chips of one place share ground, season and sensor angle; a model trained on one of them scores too well on another. So
chips are joined into places first, and places, not chips, are assigned to folds. Places near to each other can be
joined into blocks, which stay in one fold: scores then tell how a model travels (Roberts et al. 2017, *Ecography* 40,
913).
"""

import logging
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, field_validator
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from mining_the_mines.chips.corrected_ground import touched_by
from mining_the_mines.chips.quality import ACCEPTED
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.great_circle import cluster_by_distance, neighbours

logger = logging.getLogger(__name__)

_ATTEMPTS: Final = 10
#: The parameter that decides how large the units are that stay together.
_PARAMETERS: Final = {"place": "distance_km", "block": "block_km"}


class FoldSettings(BaseModel):
    """Split of chips into a test set and folds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folds: int = Field(5, ge=2, description="Number of cross-validation folds.")
    test_share: float = Field(
        0.2, ge=0, le=0.5, description="Share of chips kept out of training and tuning; 0 for none."
    )
    test_groups: tuple[str, ...] = Field(
        (),
        description=(
            "Groups that are kept for testing, instead of a share of all chips; * is a wildcard, so north/* is every "
            "group of the region north."
        ),
    )
    group_by: Literal["auto", "group", "distance", "near_duplicates"] = Field(
        "auto",
        description=(
            "Criterion for a place: the labels' groups, distance, or near-duplicate images only; auto takes the first "
            "of these that the chips have."
        ),
    )
    distance_km: float = Field(20.0, gt=0, description="Chips nearer to each other than this are one place.")
    block_km: float | None = Field(
        None,
        gt=0,
        description=(
            "Training places nearer to each other than this are a block, which stays in one fold, so that models are "
            "chosen by how they travel; null deals out single places. Folds are by place too where the chips have no "
            "coordinates, or too few blocks with both classes; the log says so. The test split is always by place."
        ),
    )
    seed: int = Field(0, ge=0, description="Seed of the shuffle.")

    @field_validator("test_groups", mode="before")
    @classmethod
    def _one_or_several(cls, given: object) -> object:
        """Accept a single name, since a command line has no lists."""
        if given is None:
            return ()
        return (given,) if isinstance(given, str) else given


def assign_folds(
    manifest: pd.DataFrame, settings: FoldSettings, corrections: gpd.GeoDataFrame | None = None
) -> pd.DataFrame:
    """Assign the accepted, labelled chips to a test split and folds, place by place, with classes in proportion.

    Where no chip has a label (polygons decide what is a mine), all accepted chips are assigned. Places that reviewers
    have corrected are never in the test split.

    Args:
        manifest: Inventory of the chips; see :func:`mining_the_mines.chips.manifest.take_inventory`.
        settings: Number of folds, share of the test split, and criterion for a place.
        corrections: The table of corrections, if there is one.

    Returns:
        One row a chip, by file name: ``filename``, ``label``, ``category``, ``longitude``, ``latitude``, ``place``,
        ``split`` (``test`` or ``train``) and ``fold`` (0 to folds − 1; missing for test chips).

    Raises:
        BadInputError: There are too few places for the folds, a class would be missing from a training set, or
            reviewers have corrected a place that ``test_groups`` names.
    """
    usable = manifest["verdict"] == ACCEPTED
    labelled = bool(manifest["label"].notna().any())
    if labelled:
        usable &= manifest["label"].notna()
    chips = manifest.loc[usable].sort_values("filename").reset_index(drop=True)
    table = chips[["filename", "label", "category", "longitude", "latitude"]].copy()
    table["place"] = find_places(chips, settings)
    labels = table["label"].fillna(0).to_numpy(dtype=np.int64)
    if labelled and len(np.unique(labels)) < 2:
        raise _scarcity(0, settings.folds)
    test = _choose_test(labels, table["place"], settings)
    if corrections is not None:
        boxes = chips[["left", "bottom", "right", "top"]].to_numpy(dtype=np.float64)
        test = _without_corrected(test, touched_by(corrections, boxes), table["place"], settings)
    table["split"] = pd.Series(np.where(test, "test", "train"), dtype="str")
    table["fold"] = pd.Series(pd.NA, index=table.index, dtype="Int64")
    table.loc[~test, "fold"] = _deal_folds(table[~test].reset_index(drop=True), labels[~test], settings)
    return table


def _deal_folds(train: pd.DataFrame, labels: npt.NDArray[np.int64], settings: FoldSettings) -> npt.NDArray[np.int64]:
    """Number of each training chip's fold: block by block, else place by place."""
    if settings.block_km is not None:
        try:
            return _deal(labels, _blocks(train, settings.block_km), settings.folds, settings.seed)
        except BadInputError as error:
            logger.info("Folds are by place, not blocked at %g km: %s", settings.block_km, error)
    return _deal(labels, train["place"], settings.folds, settings.seed)


def _blocks(chips: pd.DataFrame, block_km: float) -> pd.Series:
    """Number of each chip's block; a place without coordinates is a block of its own."""
    if not np.isfinite(_degrees(chips)).all(axis=1).any():
        raise BadInputError("No chip has coordinates: give the label table longitude and latitude.")
    links = [_links_of_equals(chips["place"]), _links_by_distance(chips, block_km)]
    return pd.Series(_join(links, len(chips)), index=chips.index, name="block")


def find_places(chips: pd.DataFrame, settings: FoldSettings) -> pd.Series:
    """Join chips into places; near duplicates are always in one place.

    Args:
        chips: Rows of a manifest, with ``group``, ``longitude``, ``latitude`` and ``near_duplicate``.
        settings: Criterion for a place.

    Returns:
        Name of each chip's place: that of its group where groups are places, else ``place-<number>``.

    Raises:
        BadInputError: Places are to be made from groups or coordinates that the chips don't have.
    """
    group_by = _resolve(chips, settings)
    links = [_links_of_equals(chips["near_duplicate"])]
    if group_by == "group":
        links.append(_links_of_equals(chips["group"]))
        # A chip without a group may lie beside one that has one.
        near = neighbours(_degrees(chips), settings.distance_km)
        links.append(near[chips["group"].isna().to_numpy()[near].any(axis=1)])
    elif group_by == "distance":
        links.append(_links_by_distance(chips, settings.distance_km))
    numbers = _join(links, len(chips))
    names = pd.Series([f"place-{number:04d}" for number in numbers], index=chips.index, dtype="str")
    if group_by == "group":
        # Groups that near duplicates join take the name of the first.
        given = chips["group"].groupby(numbers).transform("min")
        names = given.where(given.notna(), names).astype("str")
    return names


def _resolve(chips: pd.DataFrame, settings: FoldSettings) -> str:
    grouped = chips["group"].notna().any()
    located = np.isfinite(_degrees(chips)).all(axis=1).any()
    if settings.group_by == "auto":
        return "group" if grouped else "distance" if located else "near_duplicates"
    if settings.group_by == "group" and not grouped:
        raise BadInputError("No chip has a group: give the label table a group column, or set group_by to distance.")
    if settings.group_by == "distance" and not located:
        raise BadInputError(
            "No chip has coordinates: give the label table longitude and latitude, or set group_by to auto."
        )
    return settings.group_by


def _links_of_equals(values: pd.Series) -> npt.NDArray[np.intp]:
    """Pairs (rows, 2) that link each row to the first row with the same value; missing values link nothing."""
    codes = pd.factorize(values)[0]
    rows = np.flatnonzero(codes >= 0)
    _, first, inverse = np.unique(codes[rows], return_index=True, return_inverse=True)
    return np.stack([rows, rows[first[inverse]]], axis=1)


def _links_by_distance(chips: pd.DataFrame, distance_km: float) -> npt.NDArray[np.intp]:
    """Pairs that link each chip to the first of all that a distance joins, directly or over other chips."""
    clusters = pd.Series(cluster_by_distance(_degrees(chips), distance_km))
    return _links_of_equals(clusters.mask(clusters < 0))


def _degrees(chips: pd.DataFrame) -> npt.NDArray[np.float64]:
    return chips[["longitude", "latitude"]].to_numpy(dtype=np.float64)


def _join(links: Sequence[npt.NDArray[np.intp]], count: int) -> npt.NDArray[np.int32]:
    """Number of each row's group, from pairs of rows that belong together."""
    pairs = np.concatenate(links)
    graph = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    numbers: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return numbers


def _choose_test(labels: npt.NDArray[np.int64], places: pd.Series, settings: FoldSettings) -> npt.NDArray[np.bool_]:
    """The named places, else the stratified part that is closest to the wanted share."""
    if settings.test_groups:
        return _named(places.to_numpy(dtype=object), settings.test_groups)
    if settings.test_share == 0:
        return np.zeros(len(places), dtype=bool)
    parts = _deal(labels, places, max(2, round(1 / settings.test_share)), settings.seed)

    def distance(part: int) -> float:
        chosen = parts == part
        return float(abs(chosen.mean() - settings.test_share) + abs(labels[chosen].mean() - labels.mean()))

    return np.asarray(parts == min(np.unique(parts), key=distance))


def _without_corrected(
    test: npt.NDArray[np.bool_], touched: npt.NDArray[np.bool_], places: pd.Series, settings: FoldSettings
) -> npt.NDArray[np.bool_]:
    """The test split without places that reviewers have corrected; those that ``test_groups`` names are refused."""
    corrected = set(places[touched])
    found = sorted(set(places[test]) & corrected)
    if found and settings.test_groups:
        raise BadInputError(
            f"test_groups keeps {', '.join(found[:3])} for testing, where reviewers corrected labels: name other "
            "groups, or make the corrections again with kedro run --pipelines=corrections, which leaves out the test "
            "split."
        )
    if found:
        logger.info("%d places move from the test split to training, since reviewers corrected them.", len(found))
    return test & ~places.isin(corrected).to_numpy()


def _named(places: npt.NDArray[np.object_], patterns: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    for pattern in patterns:
        if not any(fnmatchcase(place, pattern) for place in places):
            some = ", ".join(sorted(set(places))[:5])
            raise BadInputError(f"test_groups names {pattern}, and no place goes by that name: there are {some} …")
    return np.array([any(fnmatchcase(place, pattern) for pattern in patterns) for place in places])


def _deal(labels: npt.NDArray[np.int64], units: pd.Series, parts: int, seed: int) -> npt.NDArray[np.int64]:
    """Number of each chip's part, with classes in proportion; ``units``, places or blocks, stay together.

    Each part must leave both classes to learn from. A part of blocks must have both itself too, since a few large
    blocks make parts of one class likely.
    """
    count, noun = units.nunique(), str(units.name)
    if count < parts:
        units_named = noun if count == 1 else f"{noun}s"
        raise BadInputError(
            f"The chips lie in {count} {units_named}, which can't be dealt out to {parts} parts: ask for fewer folds, "
            f"set test_share to 0, lower {_PARAMETERS[noun]}, or add chips from elsewhere."
        )
    scarce = int(np.unique(labels, return_counts=True)[1].min())
    if scarce < parts:
        raise _scarcity(scarce, parts)
    for attempt in range(_ATTEMPTS):
        splitter = StratifiedGroupKFold(n_splits=parts, shuffle=True, random_state=seed + attempt)
        dealt = np.empty(len(labels), dtype=np.int64)
        for part, (_, chosen) in enumerate(splitter.split(labels, labels, units)):
            dealt[chosen] = part
        if _classes_in_each(labels, dealt, parts, in_parts=noun == "block"):
            return dealt
    raise BadInputError(
        f"Nearly all chips of one class lie in one {noun}, which leaves too few of them for the other parts: "
        f"ask for fewer folds, lower {_PARAMETERS[noun]}, or add chips from elsewhere."
    )


def _scarcity(chips: int, parts: int) -> BadInputError:
    return BadInputError(
        f"One class has only {chips} chips, which can't be dealt out to {parts} parts: "
        "ask for fewer folds or add chips."
    )


def _classes_in_each(
    labels: npt.NDArray[np.int64], dealt: npt.NDArray[np.int64], parts: int, *, in_parts: bool
) -> bool:
    """Whether each part has chips, and leaves all classes; and, if asked, has all classes itself."""
    classes = len(np.unique(labels))
    inside = [len(np.unique(labels[dealt == part])) for part in range(parts)]
    outside = [len(np.unique(labels[dealt != part])) for part in range(parts)]
    return min(inside) >= (classes if in_parts else 1) and min(outside) == classes
