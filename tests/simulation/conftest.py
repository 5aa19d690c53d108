"""Series that several tests look at and none changes."""

from pathlib import Path

import pytest

from mining_the_mines.simulation import SeriesSettings, write_simulated_series
from support.simulated_regions import SERIES


@pytest.fixture(scope="session")
def small_series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "simulated"
    write_simulated_series(folder, SERIES)
    return folder


@pytest.fixture(scope="session")
def default_grounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the default regions, seen once: their ground does not depend on how often they are."""
    folder = tmp_path_factory.mktemp("default") / "simulated"
    write_simulated_series(folder, SeriesSettings(provinces=SeriesSettings().provinces[:2], dates=1))
    return folder
