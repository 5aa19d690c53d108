"""Figures and the self-contained HTML report."""

from mining_the_mines.reporting.html import render_report
from mining_the_mines.reporting.pictures import attention_overlay, true_colour
from mining_the_mines.reporting.report_data import (
    CompositeContents,
    CompositeView,
    DetectionContents,
    GalleryTile,
    MapContents,
    MapPicture,
    MapView,
    OutlineContents,
    OutlineTile,
    Picture,
    ReportContents,
    ReportSection,
)

__all__ = [
    "CompositeContents",
    "CompositeView",
    "DetectionContents",
    "GalleryTile",
    "MapContents",
    "MapPicture",
    "MapView",
    "OutlineContents",
    "OutlineTile",
    "Picture",
    "ReportContents",
    "ReportSection",
    "attention_overlay",
    "render_report",
    "true_colour",
]
