"""Contents that several tests of the report read and none changes."""

import pytest

from mining_the_mines.reporting import DetectionContents, OutlineContents, ReportContents
from support.report_segmentation import make_outlines
from support.reports import make_contents


@pytest.fixture(scope="session")
def contents() -> ReportContents:
    """A report's contents on chip classifiers, with all its parts."""
    return make_contents()


@pytest.fixture(scope="session")
def detection(contents: ReportContents) -> DetectionContents:
    """Its part on chip classifiers."""
    assert contents.detection is not None
    return contents.detection


@pytest.fixture(scope="session")
def outlines() -> OutlineContents:
    """A report's part on outlines, with all that it can have."""
    return make_outlines()
