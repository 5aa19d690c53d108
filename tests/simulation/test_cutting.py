"""Chips show a mine exactly where their label says so."""

import numpy as np
import pytest

from mining_the_mines.bad_input import BadInputError
from mining_the_mines.simulation.cutting import MINIMUM_MINE_PIXELS, cut_windows, mine_shares
from simulation.regions import landscape


@pytest.mark.parametrize("seed", range(4))
def test_windows_show_mines_exactly_where_they_say_so(seed: int) -> None:
    region = landscape(seed)
    shares = mine_shares(region)
    windows = cut_windows(region, 32, 2, 3, np.random.default_rng(seed))
    assert [window.label for window in windows] == [1, 1, 0, 0, 0]
    for window in windows:
        seen = shares[window.row : window.row + 32, window.column : window.column + 32]
        assert seen.shape == (32, 32)
        assert seen.sum() >= MINIMUM_MINE_PIXELS if window.label else seen.sum() == 0


def test_a_region_full_of_mines_is_refused() -> None:
    region = landscape()
    with pytest.raises(BadInputError, match="lower mine_share or size"):
        cut_windows(region, region.pixels, 1, 1, np.random.default_rng(0))
