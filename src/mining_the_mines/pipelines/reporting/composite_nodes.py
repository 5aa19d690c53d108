"""Nodes of reporting on composites."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from mining_the_mines.reporting.report_data import CompositeData, CompositeView
from mining_the_mines.scenes.composite_files import BlockFault, Composite
from mining_the_mines.scenes.quicklooks import read_quicklook

#: Longest side of a quicklook in pixels; smaller where there are many, for a report must stay fit to be sent by mail.
_QUICKLOOK: Final = 700
_SMALL_QUICKLOOK: Final = 280
_FEW_REGIONS: Final = 6


def describe_composites(
    composites: Sequence[Composite], scene_table: pd.DataFrame, left_out_scenes: pd.DataFrame
) -> CompositeData:
    """Gather the report data of the composites.

    Args:
        composites: The regions.
        scene_table: The scenes that were chosen.
        left_out_scenes: Those that were found and not used.
    """
    longest = _QUICKLOOK if len(composites) <= _FEW_REGIONS else _SMALL_QUICKLOOK
    views = []
    for composite in composites:
        quicklook = read_quicklook(composite, longest)
        views.append(
            CompositeView(
                region=composite.region,
                visible=quicklook.visible,
                clear_dates=quicklook.clear_dates,
                pixels_by_clear_dates=quicklook.pixels_by_clear_dates,
                dates=composite.dates,
                baselines=composite.baselines,
                method=composite.method,
            )
        )
    unread = pd.DataFrame([_unread(composite, fault) for composite in composites for fault in composite.faults])
    left_out = pd.concat([left_out_scenes, unread], ignore_index=True)
    notes = tuple(f"{composite.region}: {note}" for composite in composites for note in composite.notes)
    return CompositeData(tuple(views), scene_table, left_out, notes)


def _unread(composite: Composite, fault: BlockFault) -> dict[str, str]:
    """A scene that could not be read, as if it had been left out."""
    kind = "unreadable" if fault.blocks == fault.of else "read in part"
    where = "" if fault.blocks == fault.of else f" ({fault.blocks} of {fault.of} blocks are without it)"
    return {"region": composite.region, "item": fault.item, "datetime": "", "reason": f"{kind}: {fault.reason}{where}"}
