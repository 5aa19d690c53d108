"""Hashes that tell training data apart, and find test chips that a champion has seen."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest

from mining_the_mines.chips.packing import pack_in_memory
from mining_the_mines.registry.training_data import hash_chips, hash_data, hash_folds, not_seen
from support.chip_files import BANDS, ground
from support.registered_models import hashes


def folds_table() -> pd.DataFrame:
    """Three chips of two places, one of them for testing."""
    return pd.DataFrame(
        {
            "filename": ["a.tif", "b.tif", "c.tif"],
            "label": pd.array([1, 0, pd.NA], dtype="Int64"),
            "category": ["quarry", "forest", None],
            "place": ["west/1", "west/1", "east/1"],
            "split": ["train", "train", "test"],
            "fold": pd.array([0, 1, pd.NA], dtype="Int64"),
        }
    )


@pytest.mark.parametrize(
    ("column", "value"),
    [("label", 1), ("category", "river"), ("place", "west/2"), ("split", "test"), ("fold", 0), ("filename", "d.tif")],
)
def test_each_column_counts(column: str, value: str | int) -> None:
    changed = folds_table()
    changed[column] = changed[column].where(changed.index != 1, value)
    assert hash_folds(changed) != hash_folds(folds_table())


def test_order_and_number_types_do_not_count() -> None:
    table = folds_table()
    assert hash_folds(table[::-1]) == hash_folds(table)
    assert hash_folds(table.astype({"label": "float64", "fold": "float64"})) == hash_folds(table)


def test_pixels_folds_and_masks_count() -> None:
    hashes = {hash_data("a", "b"), hash_data("b", "a"), hash_data("a", "b", "c"), hash_data("a", "b", "d")}
    assert len(hashes) == 4


def test_a_renamed_chip_is_recognised() -> None:
    before = pack_in_memory([ground(0), ground(1)], ["a.tif", "b.tif"], BANDS)
    now = pack_in_memory([ground(1), ground(2)], ["x.tif", "y.tif"], BANDS)
    assert not_seen(hash_chips(now, ["x.tif", "y.tif"]), hash_chips(before, ["a.tif", "b.tif"])) == ["y.tif"]


def test_common_bands_decide() -> None:
    before = pack_in_memory([ground(0)], ["a.tif"], BANDS)
    fewer = pack_in_memory([ground(0)[[3, 1]], ground(1)[[3, 1]]], ["x.tif", "y.tif"], [BANDS[3], BANDS[1]])
    assert not_seen(hash_chips(fewer, ["x.tif", "y.tif"]), hash_chips(before, ["a.tif"])) == ["y.tif"]
    assert not_seen(hashes([["1"]], ["B2"]), hashes([["2"]], ["B3"])) == []  # without one, all may have been seen


def test_one_pixel_makes_another_chip() -> None:
    changed = ground(0)
    changed[0, 0, 0] += np.float32(0.01)
    packed = pack_in_memory([ground(0), changed], ["a.tif", "b.tif"], BANDS)
    assert not_seen(hash_chips(packed, ["b.tif"]), hash_chips(packed, ["a.tif"])) == ["b.tif"]


@hypothesis.given(st.lists(st.sampled_from("abcdef"), unique=True), st.sets(st.sampled_from("abcdef")))
def test_new_chips_are_left(candidates: list[str], seen: set[str]) -> None:
    left = not_seen(hashes([[name] for name in candidates], ["B2"]), hashes([[name] for name in sorted(seen)], ["B2"]))
    assert left == [f"chip_{number}.tif" for number, name in enumerate(candidates) if name not in seen]
