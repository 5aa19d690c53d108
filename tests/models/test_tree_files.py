"""Boosted trees whose files have the same bytes whenever and wherever they are written."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier

from mining_the_mines.models.model_files import TRUSTED
from mining_the_mines.models.tree_files import write_trees

Trees = list[list[HistGradientBoostingClassifier]]


def grown(seed: int = 0) -> Trees:
    numbers = np.random.default_rng(seed)
    features, labels = numbers.normal(size=(40, 3)), np.arange(40) % 2
    features[::7, 0] = np.nan
    return [[HistGradientBoostingClassifier(max_iter=3, random_state=bag).fit(features, labels)] for bag in range(2)]


@pytest.fixture(scope="module")
def trees() -> Trees:
    """Two bags of a tree each."""
    return grown()


def written(trees: Trees, path: Path) -> bytes:
    write_trees(trees, path)
    return path.read_bytes()


def read(path: Path) -> Sequence[Sequence[HistGradientBoostingClassifier]]:
    found: Trees = skops.io.load(path, trusted=list(TRUSTED))
    return found


def test_trees_that_were_grown_twice_give_the_same_bytes(trees: Trees, tmp_path: Path) -> None:
    assert written(trees, tmp_path / "a") == written(grown(), tmp_path / "b")
    assert written(trees, tmp_path / "a") != written(grown(1), tmp_path / "b")


def test_trees_that_were_read_give_the_bytes_that_they_were_read_from(trees: Trees, tmp_path: Path) -> None:
    first = written(trees, tmp_path / "a")
    assert written([list(bag) for bag in read(tmp_path / "a")], tmp_path / "b") == first


def test_trees_come_back_as_they_were(trees: Trees, tmp_path: Path) -> None:
    write_trees(trees, tmp_path / "a")
    seen = np.random.default_rng(1).normal(size=(20, 3))
    for bag, again in zip(trees, read(tmp_path / "a"), strict=True):
        np.testing.assert_array_equal(bag[0].predict_proba(seen), again[0].predict_proba(seen))


def test_equal_parts_are_stored_once_and_nothing_tells_the_time(trees: Trees, tmp_path: Path) -> None:
    write_trees(trees, tmp_path / "a")
    with ZipFile(tmp_path / "a") as archive:
        contents = [archive.read(entry) for entry in archive.infolist()]
        assert {datetime(*entry.date_time) for entry in archive.infolist()} == {datetime(1980, 1, 1)}
    assert len(set(contents)) == len(contents)
