"""The part of the report on composites: its figures, tables and pictures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mining_the_mines.reporting.formatting import MISSING, category_title, count, period, small_percent
from mining_the_mines.reporting.galleries import Card
from mining_the_mines.reporting.pictures import (
    HATCHED,
    PIXELATED_BELOW,
    CountClass,
    LegendEntry,
    Stretch,
    clear_date_map,
    count_classes,
    hatched_true_colour,
    inline_picture,
    stretch_for,
)
from mining_the_mines.reporting.tables import Cell, text_table

#: Since this processing baseline, digital numbers carry an offset (ESA, 25 January 2022).
OFFSET_SINCE: Final = "04.00"


@dataclass(frozen=True, eq=False)
class CompositeView:
    """A composite of a region as the report shows it.

    Attributes:
        region: Its name.
        visible: Reflectance of red, green and blue, float32 (3, H, W), NaN where there are no data.
        clear_dates: Number of clear dates of each pixel of the picture, uint16 (H, W).
        pixels_by_clear_dates: Numbers of pixels of the full composite with 0, 1, 2 … clear dates, int64 (most + 1,).
        dates: Days of its scenes, in order.
        baselines: Processing baselines of the scenes, such as ``03.01``, in order, each once.
        method: Method of compositing, such as ``median``.
    """

    region: str
    visible: NDArray[np.float32]
    clear_dates: NDArray[np.uint16]
    pixels_by_clear_dates: NDArray[np.int64]
    dates: tuple[date, ...]
    baselines: tuple[str, ...]
    method: str


@dataclass(frozen=True, eq=False)
class CompositeData:
    """Report data of the composites that chips were cut from.

    Attributes:
        regions: The composites, at least one.
        scenes: One row per region and scene that was chosen: ``region``, ``item``.
        left_out: One row per scene that was found and not used, or not everywhere: ``region``, ``item`` (empty for a
            whole region), ``datetime``, ``reason``.
        notes: Doubts about the scenes, a sentence each.
    """

    regions: tuple[CompositeView, ...]
    scenes: pd.DataFrame
    left_out: pd.DataFrame
    notes: tuple[str, ...] = ()


def arrange_composites(data: CompositeData) -> dict[str, Any]:
    """Draw the pictures and format the tables of composites; sentences stand in the template.

    Returns:
        Values of the template: titles of the ``regions``; ``methods`` of compositing; number of ``scenes``, their
        ``first_date`` and ``last_date`` (``None`` if unknown) and ``baselines`` in order, with the number of those
        whose digital numbers carry an offset (``with_offset``); ``without``, the share of the pixels without a clear
        date (empty if there is none); ``quantiles``, numbers of clear dates of the 5th, 50th and 95th percentile of
        the pixels; ``reasons``, numbers of scenes left out by reason, the most frequent first; ``whole_regions`` that
        were left out, each with the reason; ``notes``; ``legend`` and ``cards``, a picture per region beside its
        clear dates; ``region_table`` and ``left_out``, every scene left out, with its reason.
    """
    regions = data.regions
    dates = sorted({when for region in regions for when in region.dates})
    baselines = sorted({baseline for region in regions for baseline in region.baselines})
    counts = pd.DataFrame([region.pixels_by_clear_dates for region in regions]).sum().to_numpy(dtype=np.int64)
    classes = count_classes(len(counts) - 1)
    stretch = stretch_for(region.visible for region in regions)
    return {
        "regions": [category_title(region.region) for region in regions],
        "methods": list(dict.fromkeys(region.method for region in regions)),
        "scenes": len(data.scenes),
        "first_date": dates[0] if dates else None,
        "last_date": dates[-1] if dates else None,
        "baselines": baselines,
        "with_offset": sum(baseline >= OFFSET_SINCE for baseline in baselines),
        "without": small_percent(counts[0], counts.sum()) if counts[0] else "",
        "quantiles": _quantiles(counts),
        **_reasons(data.left_out),
        "notes": data.notes,
        "legend": [*(found.entry for found in classes), LegendEntry("none, or too few: no data", HATCHED)],
        "cards": [_card(region, stretch, classes) for region in regions],
        "region_table": text_table(
            "Regions",
            ("", "Scenes", "Days", "Baselines", "Clear dates", "Without any"),
            [_region_line(region, data.scenes) for region in regions],
        ),
        "left_out": text_table("Scenes left out", ("Scene", "Reason"), _left_out_lines(data.left_out)),
    }


def _card(region: CompositeView, stretch: Stretch, classes: Sequence[CountClass]) -> Card:
    low, middle, high = _quantiles(region.pixels_by_clear_dates)
    title, text = category_title(region.region), f"{low} to {high} clear dates, {middle} in the middle"
    return Card(
        name=title,
        picture=inline_picture(hatched_true_colour(region.visible, stretch)),
        description=f"{title} in true colour",
        details=f"{count(len(region.dates), 'date')} · {text}",
        overlay=inline_picture(clear_date_map(region.clear_dates, classes), lossless=True),
        overlay_description=f"Map of {title}: {text}",
        pixelated=max(region.clear_dates.shape) < PIXELATED_BELOW,
    )


def _region_line(region: CompositeView, scenes: pd.DataFrame) -> tuple[object, ...]:
    counts = region.pixels_by_clear_dates
    low, middle, high = _quantiles(counts)
    first, last = (region.dates[0], region.dates[-1]) if region.dates else (None, None)
    return (
        (category_title(region.region), period(first, last)),
        (scenes["region"] == region.region).sum(),
        len(region.dates),
        ", ".join(region.baselines) or MISSING,
        Cell(str(middle), f"{low}\N{EN DASH}{high}"),
        small_percent(counts[0], counts.sum()),
    )


def _reasons(left_out: pd.DataFrame) -> dict[str, list[tuple[str, Any]]]:
    """Count scenes by the kind of their reason, which ends at the colon; give regions left out as a whole apart."""
    kinds, regions = Counter[str](), []
    for region, item, reason in left_out[["region", "item", "reason"]].fillna("").itertuples(index=False, name=None):
        kind, _, detail = str(reason).partition(": ")
        if item:
            kinds[kind] += 1
        else:
            regions.append((category_title(str(region)), detail))
    return {"reasons": kinds.most_common(), "whole_regions": regions}


def _left_out_lines(left_out: pd.DataFrame) -> list[tuple[object, ...]]:
    texts = left_out.fillna("").astype("str")[["item", "region", "datetime", "reason"]]
    lines: list[tuple[object, ...]] = []
    for item, region, when, reason in texts.itertuples(index=False, name=None):
        where = category_title(region)
        note = " · ".join(part for part in (where, when[:10]) if part) if item else ""
        lines.append(((item or where, note), reason))
    return lines


def _quantiles(counts: NDArray[np.int64]) -> tuple[int, int, int]:
    """Numbers of clear dates of the 5th, 50th and 95th percentile of the pixels."""
    low, middle, high = np.searchsorted(np.cumsum(counts), np.array([0.05, 0.5, 0.95]) * counts.sum())
    return int(low), int(middle), int(high)
