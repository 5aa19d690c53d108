"""The default data set is no task for a threshold."""

from collections import Counter
from pathlib import Path

import pytest

from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.simulation.difficulty import separabilities
from simulation.regions import labels_of


@pytest.fixture(scope="module")
def labelled(default_set: Path) -> tuple[list[str], list[int]]:
    rows = labels_of(default_set)
    return [row["filename"] for row in rows], [int(row["label"]) for row in rows]


def test_a_threshold_on_one_index_does_not_find_the_mines(
    default_set: Path, labelled: tuple[list[str], list[int]]
) -> None:
    assert separabilities(default_set / "images", *labelled)[0].auc < 0.9


def test_a_threshold_on_brightness_does_not_find_the_mines(
    default_set: Path, labelled: tuple[list[str], list[int]]
) -> None:
    assert separabilities(default_set / "images", *labelled, COMPETITION_BANDS)[0].auc < 0.92


def test_a_fifth_of_the_chips_shows_a_mine_of_any_kind(default_set: Path) -> None:
    kinds = Counter(row["category"] for row in labels_of(default_set) if row["label"] == "1")
    assert sum(kinds.values()) == 60
    assert {"open_pit", "quarry", "alluvial", "artisanal"} <= set(kinds)


def test_lookalikes_are_among_the_negatives(default_set: Path) -> None:
    negatives = Counter(row["category"] for row in labels_of(default_set) if row["label"] == "0")
    lookalikes = {"town", "aquaculture", "construction", "bare_soil", "reservoir", "road"}
    assert lookalikes <= set(negatives)
    assert sum(negatives[kind] for kind in lookalikes) > 100
