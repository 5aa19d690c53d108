"""Figures and the self-contained HTML report."""

from mining_the_mines.reporting.contents import (
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
from mining_the_mines.reporting.html import render_report
from mining_the_mines.reporting.pictures import attention_overlay, true_colour

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
