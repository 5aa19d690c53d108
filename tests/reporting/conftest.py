"""Report data that several tests read and none changes."""

import pytest

from mining_the_mines.reporting.classification_part import ClassificationData
from mining_the_mines.reporting.page import ReportData
from mining_the_mines.reporting.segmentation_part import SegmentationData
from support.report_segmentation import make_segmentation
from support.reports import make_report_data


@pytest.fixture(scope="session")
def data() -> ReportData:
    """Report data of chip classifiers, with all parts."""
    return make_report_data(80, resamples=20)


@pytest.fixture(scope="session")
def classification(data: ReportData) -> ClassificationData:
    """Its part on chip classifiers."""
    assert data.classification is not None
    return data.classification


@pytest.fixture(scope="session")
def segmentation() -> SegmentationData:
    """Report data of a segmenter, with all parts."""
    return make_segmentation(48, size=32, resamples=20)
