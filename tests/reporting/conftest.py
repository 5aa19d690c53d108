"""Contents that several tests of the report read and none changes."""

import pytest

from mining_the_mines.reporting import ReportContents
from reporting.reports import make_contents


@pytest.fixture(scope="session")
def contents() -> ReportContents:
    """A report's contents with all its parts."""
    return make_contents()
