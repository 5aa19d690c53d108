"""Contents that several tests of the report read and none changes."""

import pytest

from mining_the_mines.reporting import ClassificationData, ReportData, SegmentationData
from support.report_segmentation import make_outlines
from support.reports import make_contents


@pytest.fixture(scope="session")
def contents() -> ReportData:
    """A report's contents on chip classifiers, with all its parts."""
    return make_contents()


@pytest.fixture(scope="session")
def detection(contents: ReportData) -> ClassificationData:
    """Its part on chip classifiers."""
    assert contents.detection is not None
    return contents.detection


@pytest.fixture(scope="session")
def outlines() -> SegmentationData:
    """A report's part on outlines, with all that it can have."""
    return make_outlines()
