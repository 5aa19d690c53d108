"""The default series is no task for a threshold."""

import sys
from collections import Counter
from pathlib import Path

import pyogrio
import pyogrio.raw
import pytest

from mining_the_mines.sentinel2.bands import COMPETITION_BANDS

# Not on pytest's path: benchmarks/mapping.py would hide tests/mapping.
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
try:
    from simulation_lookalikes import GridChips, cut_truth, separabilities
finally:
    del sys.path[0]


@pytest.fixture(scope="module")
def chips(default_grounds: Path) -> GridChips:
    return cut_truth(default_grounds)


def test_threshold(chips: GridChips) -> None:
    assert separabilities(chips)[0].auc < 0.9
    assert separabilities(chips, COMPETITION_BANDS)[0].auc < 0.94


def test_share_of_mines(chips: GridChips) -> None:
    shown = Counter(region for region, mine in zip(chips.regions, chips.mines(), strict=True) if mine)
    assert set(Counter(chips.regions).values()) == {81}
    assert all(0.15 < count / 81 < 0.3 for count in shown.values())
    assert 0.18 < chips.mines().mean() < 0.25


def test_kinds(default_grounds: Path) -> None:
    mines = pyogrio.read_dataframe(default_grounds / "mines.gpkg")
    for _, kinds in mines.groupby("region")["kind"]:
        assert set(kinds) == {"open_pit", "quarry", "alluvial", "artisanal"}
