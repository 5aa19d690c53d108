"""A series of four years on disk."""

from pathlib import Path

import pytest

from mining_the_mines.evidence.sheet import Basis
from support.monitored_ground import AREAS, write_series
from support.sites import tiny_sites


@pytest.fixture(scope="session")
def basis(tmp_path_factory: pytest.TempPathFactory) -> Basis:
    """Two sites and their maps; not to be changed."""
    return Basis(tiny_sites(), write_series(tmp_path_factory.mktemp("series")), AREAS)


@pytest.fixture
def own_basis(tmp_path: Path) -> Basis:
    """The same, to be changed by a test."""
    return Basis(tiny_sites(), write_series(tmp_path), AREAS)
