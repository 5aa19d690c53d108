"""Data sets that several tests look at and none changes."""

from pathlib import Path

import pytest

from mining_the_mines.simulation import SimulationSettings, write_simulated_chips
from simulation.regions import SMALL


@pytest.fixture(scope="session")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "simulated"
    write_simulated_chips(folder, SMALL)
    return folder


@pytest.fixture(scope="session")
def default_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("default") / "simulated"
    write_simulated_chips(folder, SimulationSettings())
    return folder
