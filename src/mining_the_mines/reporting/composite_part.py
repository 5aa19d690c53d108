"""The part of the report on composites: its figures, tables and pictures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mining_the_mines.reporting.formatting import MISSING, category_title, count, period, small_percent
from mining_the_mines.reporting.galleries import Card
from mining_the_mines.reporting.pictures import (
    HATCHED,
    PIXELATED_BELOW,
    LegendEntry,
    clear_date_map,
    count_classes,
    hatched_true_colour,
    inline_picture,
    stretch_for,
)
from mining_the_mines.reporting.tables import Cell, Table, text_table

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
        scenes: One row a region and scene that was chosen: ``region``, ``item``.
        left_out: One row a scene that was found and not used, or not everywhere: ``region``, ``item`` (empty for a
            whole region), ``datetime``, ``reason``.
        notes: Doubts about the scenes, a sentence each.
    """

    regions: tuple[CompositeView, ...]
    scenes: pd.DataFrame
    left_out: pd.DataFrame
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CompositePart:
    """All that the page shows of composites; sentences stand in the template.

    Attributes:
        regions: Titles of the regions.
        methods: Methods of compositing.
        scenes: Number of scenes.
        first_date: Of all scenes.
        last_date: Of all scenes.
        baselines: Processing baselines of all scenes, in order.
        with_offset: Number of those baselines whose digital numbers carry an offset.
        without: Share of the pixels without a clear date, formatted; empty if there is none.
        quantiles: Numbers of clear dates of the 5th, 50th and 95th percentile of the pixels.
        reasons: Numbers of scenes left out by reason, the most frequent first.
        whole_regions: Regions that were left out, each with the reason.
        notes: Doubts about the scenes, a sentence each.
        legend: Colours of the maps of clear dates.
        cards: Pictures of the regions.
        region_table: Dates, baselines and clear dates by region.
        left_out: Every scene left out, with its reason.
    """

    regions: tuple[str, ...]
    methods: tuple[str, ...]
    scenes: int
    first_date: date | None
    last_date: date | None
    baselines: tuple[str, ...]
    with_offset: int
    without: str
    quantiles: tuple[int, int, int]
    reasons: tuple[tuple[str, int], ...]
    whole_regions: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    legend: tuple[LegendEntry, ...]
    cards: tuple[Card, ...]
    region_table: Table | None
    left_out: Table | None


def arrange_composites(data: CompositeData) -> CompositePart:
    """Draw the pictures and format the tables of composites."""
    regions = data.regions
    dates = sorted({when for region in regions for when in region.dates})
    baselines = sorted({baseline for region in regions for baseline in region.baselines})
    counts = _total([region.pixels_by_clear_dates for region in regions])
    reasons, whole_regions = _reasons(data.left_out)
    clear = [
        f"{low} to {high} clear dates, {middle} in the middle"
        for low, middle, high in (_quantiles(region.pixels_by_clear_dates) for region in regions)
    ]
    cards, legend = composite_gallery(regions, clear)
    return CompositePart(
        regions=tuple(category_title(region.region) for region in regions),
        methods=tuple(dict.fromkeys(region.method for region in regions)),
        scenes=len(data.scenes),
        first_date=dates[0] if dates else None,
        last_date=dates[-1] if dates else None,
        baselines=tuple(baselines),
        with_offset=sum(baseline >= OFFSET_SINCE for baseline in baselines),
        without=small_percent(counts[0], counts.sum()) if counts[0] else "",
        quantiles=_quantiles(counts),
        reasons=reasons,
        whole_regions=whole_regions,
        notes=data.notes,
        legend=(*legend, LegendEntry("none, or too few: no data", HATCHED)),
        cards=cards,
        region_table=text_table(
            "Regions: clear dates of the median pixel; small: of nine pixels in ten",
            ("", "Scenes", "Days", "Baselines", "Clear dates", "Without any"),
            [_region_line(region, data.scenes) for region in regions],
        ),
        left_out=text_table("Scenes left out", ("Scene", "Reason"), _left_out_lines(data.left_out)),
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


def _reasons(left_out: pd.DataFrame) -> tuple[tuple[tuple[str, int], ...], tuple[tuple[str, str], ...]]:
    """Count scenes by the kind of their reason, which ends at the colon; give regions left out as a whole apart."""
    kinds, regions = Counter[str](), []
    for region, item, reason in left_out[["region", "item", "reason"]].fillna("").itertuples(index=False, name=None):
        kind, _, detail = str(reason).partition(": ")
        if item:
            kinds[kind] += 1
        else:
            regions.append((category_title(str(region)), detail))
    return tuple(kinds.most_common()), tuple(regions)


def _left_out_lines(left_out: pd.DataFrame) -> list[tuple[object, ...]]:
    texts = left_out.fillna("").astype("str")[["item", "region", "datetime", "reason"]]
    lines: list[tuple[object, ...]] = []
    for item, region, when, reason in texts.itertuples(index=False, name=None):
        where = category_title(region)
        note = " · ".join(part for part in (where, when[:10]) if part) if item else ""
        lines.append(((item or where, note), reason))
    return lines


def _total(counts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    total = np.zeros(max(len(one) for one in counts), dtype=np.int64)
    for one in counts:
        total[: len(one)] += one
    return total


def _quantiles(counts: NDArray[np.int64]) -> tuple[int, int, int]:
    """Numbers of clear dates of the 5th, 50th and 95th percentile of the pixels."""
    low, middle, high = np.searchsorted(np.cumsum(counts), np.array([0.05, 0.5, 0.95]) * counts.sum())
    return int(low), int(middle), int(high)


def composite_gallery(
    regions: Sequence[CompositeView], clear: Sequence[str]
) -> tuple[tuple[Card, ...], tuple[LegendEntry, ...]]:
    """Show composites in one contrast, each beside its numbers of clear dates, with one legend.

    Args:
        regions: At least one.
        clear: Summary of the clear dates of each region.

    Returns:
        The cards and the legend.
    """
    stretch = stretch_for(region.visible for region in regions)
    classes = count_classes(max(len(region.pixels_by_clear_dates) - 1 for region in regions))
    cards = [
        Card(
            name=category_title(region.region),
            picture=inline_picture(hatched_true_colour(region.visible, stretch)),
            description=f"{category_title(region.region)} in true colour",
            details=f"{count(len(region.dates), 'date')} · {text}",
            overlay=inline_picture(clear_date_map(region.clear_dates, classes), lossless=True),
            overlay_description=f"Map of {category_title(region.region)}: {text}",
            pixelated=max(region.clear_dates.shape) < PIXELATED_BELOW,
        )
        for region, text in zip(regions, clear, strict=True)
    ]
    return tuple(cards), tuple(found.entry for found in classes)
