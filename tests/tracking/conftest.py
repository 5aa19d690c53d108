"""Fixtures of the tests of tracking."""

import pytest

from mining_the_mines.tracking.store import RunStore
from support import tracked_runs


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """An embedded store, which takes a while to be made."""
    store = tracked_runs.embedded(tmp_path_factory.mktemp("embedded"))
    store.experiment_id(store.client())
    return store
