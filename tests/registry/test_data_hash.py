"""The hash of the data tells all data apart that could make another model."""

import pandas as pd
import pytest

from mining_the_mines.registry.data_hash import hash_data, hash_folds


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
def test_what_is_said_of_one_chip_makes_other_data(column: str, value: str | int) -> None:
    changed = folds_table()
    changed[column] = changed[column].where(changed.index != 1, value)
    assert hash_folds(changed) != hash_folds(folds_table())


def test_the_order_of_rows_and_the_type_of_numbers_make_no_other_data() -> None:
    table = folds_table()
    assert hash_folds(table[::-1]) == hash_folds(table)
    assert hash_folds(table.astype({"label": "float64", "fold": "float64"})) == hash_folds(table)


def test_pixels_folds_and_masks_each_make_other_data() -> None:
    hashes = {hash_data("a", "b"), hash_data("b", "a"), hash_data("a", "b", "c"), hash_data("a", "b", "d")}
    assert len(hashes) == 4
