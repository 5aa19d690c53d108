"""Figures and the self-contained HTML report."""

from mining_the_mines.reporting.html import render_report
from mining_the_mines.reporting.pictures import attention_overlay, true_colour
from mining_the_mines.reporting.report_data import (
    ClassificationData,
    CompositeData,
    CompositeView,
    GalleryTile,
    MapData,
    MapPicture,
    MapView,
    Picture,
    ReportData,
    ReportSection,
    SegmentationData,
    SegmentationTile,
)

__all__ = [
    "ClassificationData",
    "CompositeData",
    "CompositeView",
    "GalleryTile",
    "MapData",
    "MapPicture",
    "MapView",
    "Picture",
    "ReportData",
    "ReportSection",
    "SegmentationData",
    "SegmentationTile",
    "attention_overlay",
    "render_report",
    "true_colour",
]
