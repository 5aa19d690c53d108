"""Settings that make no sense are refused."""

import pytest
from pydantic import ValidationError

from mining_the_mines.simulation import SimulationSettings


def test_more_places_than_chips_is_refused() -> None:
    with pytest.raises(ValidationError, match="at most as many places as chips"):
        SimulationSettings(chips=5, places=6)


def test_a_misspelt_parameter_is_refused() -> None:
    with pytest.raises(ValidationError, match="mine_shares"):
        SimulationSettings(mine_shares=0.5)  # type: ignore[call-arg]
