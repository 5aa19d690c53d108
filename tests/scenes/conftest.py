"""What tests of scenes share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.http_servers import FaultyServer, files


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FaultyServer]:
    """A server of the files in the test's folder."""
    with FaultyServer(files(tmp_path)).running() as running:
        yield running
