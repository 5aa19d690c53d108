"""What tests of tracking share."""

import pytest

from support import tracked_runs as telling


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An embedded store, which takes a while to be made."""
    address = telling.store(tmp_path_factory.mktemp("embedded"))
    telling.tracker(tmp_path_factory.mktemp("first"), address)
    return address
