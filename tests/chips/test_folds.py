"""No place crosses folds or reaches the test split."""

import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mining_the_mines.chips.folds import FoldSettings, assign_folds, find_places
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.great_circle import EARTH_RADIUS


def manifest(count: int = 120, **columns: Any) -> pd.DataFrame:
    """Accepted chips, a third of them mines, without group, coordinates or near duplicates unless given."""
    table = pd.DataFrame(
        {
            "filename": [f"chip_{number:03d}.tif" for number in range(count)],
            "label": pd.array([int(number % 3 == 0) for number in range(count)], dtype="Int64"),
            "category": pd.array([None] * count, dtype="str"),
            "group": pd.array([None] * count, dtype="str"),
            "longitude": math.nan,
            "latitude": math.nan,
            "near_duplicate": pd.array([None] * count, dtype="Int64"),
            "verdict": "accepted",
        }
    )
    return table.assign(**columns)


def groups(numbers: Sequence[int | None]) -> pd.Series:
    return pd.Series([None if number is None else f"g{number}" for number in numbers], dtype="str")


def kilometres(table: pd.DataFrame) -> np.ndarray:
    """Great-circle distances between all chips, by the angle between vectors from the Earth's centre."""
    longitude, latitude = (np.radians(table[axis].to_numpy(float)) for axis in ("longitude", "latitude"))
    vectors = np.stack([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)])
    return np.asarray(EARTH_RADIUS * np.arccos(np.clip(vectors.T @ vectors, -1, 1)))


def where(table: pd.DataFrame) -> pd.Series:
    """The one part that a chip is in: ``test`` or its fold."""
    return table["split"].where(table["split"] == "test", table["fold"].astype("str"))


def parts_of_each(values: pd.Series, part: pd.Series) -> set[int]:
    """In how many parts the chips of each value are; all these numbers."""
    return {len(set(parts)) for _, parts in part.groupby(values.to_numpy())}


numbers = st.one_of(st.none(), st.integers(0, 30))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    given_groups=st.lists(numbers, min_size=90, max_size=90),
    duplicates=st.lists(numbers, min_size=90, max_size=90),
    test_share=st.sampled_from([0.0, 0.2, 0.34]),
    folds=st.integers(2, 5),
    seed=st.integers(0, 3),
)
def test_places_never_cross(
    given_groups: list[int | None], duplicates: list[int | None], test_share: float, folds: int, seed: int
) -> None:
    chips = manifest(90, group=groups(given_groups), near_duplicate=pd.array(duplicates, dtype="Int64"))
    try:
        table = assign_folds(chips, FoldSettings(folds=folds, test_share=test_share, seed=seed))
    except BadInputError:
        assume(False)
    part = where(table)
    for column in ("group", "near_duplicate"):
        assert parts_of_each(chips[column], part) <= {1}
    assert parts_of_each(table["place"], part) == {1}
    # Each chip is in exactly one place, and every fold has chips.
    assert table["filename"].tolist() == chips["filename"].tolist()
    assert (table["fold"].isna() == (table["split"] == "test")).all()
    assert set(table["fold"].dropna()) == set(range(folds))
    assert (table["split"] == "test").any() == (test_share > 0)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), distance=st.sampled_from([20.0, 100.0]))
def test_near_chips_stay_together(seed: int, distance: float) -> None:
    random = np.random.default_rng(seed)
    chips = manifest(60, longitude=random.uniform(-66, -50, 60), latitude=random.uniform(-12, 4, 60))
    table = assign_folds(chips, FoldSettings(folds=3, distance_km=distance))
    part = where(table).to_numpy()
    one, other = np.nonzero(kilometres(table) < distance)
    assert (part[one] == part[other]).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), test_share=st.sampled_from([0.0, 0.25]))
def test_blocks_stay_together(seed: int, test_share: float) -> None:
    random = np.random.default_rng(seed)
    corners = np.stack(np.meshgrid(np.arange(-180, 180, 30.0), [-60.0, 0.0, 60.0]), axis=-1).reshape(-1, 2)
    chips = manifest(180, group=groups(random.integers(0, 90, 180).tolist()))
    away = corners[chips["group"].str[1:].astype(int) % len(corners)] + random.uniform(-0.9, 0.9, (180, 2))
    chips = chips.assign(longitude=(away[:, 0] + 180) % 360 - 180, latitude=away[:, 1])
    table = assign_folds(chips, FoldSettings(folds=3, block_km=300, test_share=test_share))
    train = table[table["split"] == "train"]
    folds = train["fold"].to_numpy(int)
    one, other = np.nonzero(kilometres(train) < 300)
    assert (folds[one] == folds[other]).all()
    assert parts_of_each(table["place"], where(table)) == {1}
    assert train.groupby("fold")["label"].nunique().eq(2).all()
    # Blocks are no places, by which intervals are drawn, and the test split does not depend on them.
    by_place = assign_folds(chips, FoldSettings(folds=3, test_share=test_share))
    pd.testing.assert_frame_equal(table.drop(columns="fold"), by_place.drop(columns="fold"))


@pytest.mark.parametrize(
    ("longitude", "reason"),
    [(0.0, "lie in 1 block,"), (math.nan, "No chip has coordinates")],
)
def test_no_blocks(longitude: float, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    chips = manifest(group=groups([number % 12 for number in range(120)]), longitude=longitude, latitude=0.0)
    with caplog.at_level(logging.INFO):
        table = assign_folds(chips, FoldSettings(block_km=300))
    pd.testing.assert_frame_equal(table, assign_folds(chips, FoldSettings()))
    assert (
        f"Folds are by place, not blocked at 300 km: {'The chips ' if 'lie' in reason else ''}{reason}" in caplog.text
    )


def test_blocks_of_one_class(caplog: pytest.LogCaptureFixture) -> None:
    chips = manifest(longitude=[float(number % 3) * 40 for number in range(120)], latitude=0.0)
    with caplog.at_level(logging.INFO):
        assign_folds(chips, FoldSettings(folds=3, test_share=0, block_km=300, group_by="near_duplicates"))
    assert "Nearly all chips of one class lie in one block" in caplog.text


def test_proportions() -> None:
    table = assign_folds(manifest(300), FoldSettings())
    assert (table["split"] == "test").mean() == pytest.approx(0.2, abs=0.02)
    shares = table.groupby(where(table))["label"].mean()
    np.testing.assert_allclose(shares.astype(float), 1 / 3, atol=0.03)


def test_seed() -> None:
    chips = manifest()
    first = assign_folds(chips, FoldSettings(seed=3))
    pd.testing.assert_frame_equal(assign_folds(chips.sample(frac=1, random_state=1), FoldSettings(seed=3)), first)
    assert not assign_folds(chips, FoldSettings(seed=4)).equals(first)


def test_auto() -> None:
    plain = manifest(12)
    located = plain.assign(longitude=[0.0] * 6 + [10.0] * 6, latitude=0.0)
    grouped = located.assign(group=groups([1, 2, 3] * 4))
    assert find_places(plain, FoldSettings()).nunique() == 12
    assert find_places(located, FoldSettings()).nunique() == 2
    assert set(find_places(grouped, FoldSettings())) == {"g1", "g2", "g3"}
    assert find_places(grouped, FoldSettings(group_by="distance")).nunique() == 2
    assert find_places(grouped, FoldSettings(group_by="near_duplicates")).nunique() == 12


def test_chip_without_group() -> None:
    chips = manifest(4, group=groups([1, 2, None, None]), longitude=[10.0, 10.01, 20.0, 20.01], latitude=1.0)
    places = find_places(chips, FoldSettings())
    assert places.tolist()[:2] == ["g1", "g2"]
    assert places[2] == places[3] != "g2"
    beside = chips.assign(longitude=[10.0, 30.0, 10.01, 20.0])
    assert find_places(beside, FoldSettings()).tolist()[:3] == ["g1", "g2", "g1"]


def test_date_line() -> None:
    chips = manifest(2, longitude=[179.99, -179.99], latitude=0.0)
    assert len(set(find_places(chips, FoldSettings(distance_km=20)))) == 1


@pytest.mark.parametrize(
    ("group_by", "message"), [("group", "No chip has a group"), ("distance", "No chip has coordinates")]
)
def test_missing_groups_and_coordinates(group_by: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        assign_folds(manifest(), FoldSettings.model_validate({"group_by": group_by}))


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"group": groups([0, 1, 2] * 40)}, {}, "lie in 3 places, which can't be dealt out to 5 parts: ask for fewer"),
        ({"label": pd.array([1] * 3 + [0] * 117, dtype="Int64")}, {}, "One class has only 3 chips"),
        ({"label": pd.array([1] * 120, dtype="Int64")}, {}, "One class has only 0 chips"),
        (
            {"label": pd.array([1] * 20 + [0] * 100, dtype="Int64"), "group": groups([0] * 20 + list(range(1, 101)))},
            {"test_share": 0},
            "lie in one place",
        ),
        (
            {"label": pd.array([None] * 120, dtype="Int64"), "group": groups([0, 1] * 60)},
            {"folds": 3, "test_share": 0},
            "lie in 2 places, which can't be dealt out to 3 parts",
        ),
    ],
)
def test_scarcity(columns: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        assign_folds(manifest(**columns), FoldSettings(**options))


def test_unlabelled_chips() -> None:
    unlabelled = pd.array([None] * 60, dtype="Int64")
    chips = manifest(60, label=unlabelled, group=groups([number // 3 for number in range(60)]))
    chips.loc[[0, 31], "verdict"] = "rejected"
    table = assign_folds(chips, FoldSettings(folds=3))
    assert set(table["filename"]) == set(chips.loc[chips["verdict"] == "accepted", "filename"])
    assert table["label"].isna().all()
    assert set(table["fold"].dropna()) == {0, 1, 2}
    assert parts_of_each(table["place"], where(table)) == {1}
    assert (table["split"] == "test").mean() == pytest.approx(0.2, abs=0.05)
    alone = assign_folds(manifest(60, label=unlabelled), FoldSettings(test_share=0))
    assert alone["fold"].value_counts().tolist() == [12] * 5


def test_test_groups() -> None:
    chips = manifest(
        120, group=pd.Series([f"{'north' if number < 40 else 'south'}/{number % 8}" for number in range(120)])
    )
    table = assign_folds(chips, FoldSettings(folds=2, test_groups=("north/*",)))
    assert set(table.loc[table["split"] == "test", "place"]) == {f"north/{number}" for number in range(8)}
    assert (table.loc[table["split"] == "train", "place"].str.startswith("south/")).all()


def test_unknown_test_group() -> None:
    with pytest.raises(BadInputError, match=r"test_groups names west/\*, and no place goes by that name: there are g0"):
        assign_folds(
            manifest(group=groups([number % 12 for number in range(120)])), FoldSettings(test_groups=("west/*",))
        )
