"""The report's part on composites: what the chips were cut from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mining_the_mines.reporting.composite_pictures import (
    HATCHED,
    CountClass,
    clear_date_map,
    count_classes,
    photograph,
)
from mining_the_mines.reporting.formatting import MISSING, category_title, count, day
from mining_the_mines.reporting.pictures import Stretch, inline_photograph, stretch_for
from mining_the_mines.reporting.report_data import CompositeData, CompositeView
from mining_the_mines.reporting.tables import Cell, Row, Table

#: Smaller composites are enlarged without smoothing: invented sharpness would mislead.
_PIXEL_ART_BELOW: Final = 200
#: Since this processing baseline, digital numbers carry an offset (ESA, 25 January 2022).
_WITH_OFFSET: Final = "04.00"
_SMALLEST_SHARE: Final = 1e-4


class LegendEntry(NamedTuple):
    """What a colour of the maps means."""

    title: str
    css: str


@dataclass(frozen=True)
class CompositeCard:
    """A region's pictures and the words under them."""

    region: str
    details: str
    description: str
    photograph: str
    clear_dates: str
    pixelated: bool


@dataclass(frozen=True)
class CompositePart:
    """All that the page says about composites, ready to be written out.

    Attributes:
        lead: How the composites were made, and from what.
        sentences: What a reader must know of them.
        legend: What the colours of the maps mean.
        cards: The regions.
        region_table: The same in figures.
        left_out: Every scene that was left out, with its reason; ``None`` if there is none.
    """

    lead: str
    sentences: tuple[str, ...]
    legend: tuple[LegendEntry, ...]
    cards: tuple[CompositeCard, ...]
    region_table: Table
    left_out: Table | None


def arrange_composites(contents: CompositeData) -> CompositePart:
    """Put what is known of composites into words, tables and pictures.

    Args:
        contents: What the report shows of them.
    """
    regions = contents.regions
    # One contrast and one legend for all, so that regions can be compared.
    stretch = stretch_for(region.visible for region in regions)
    classes = count_classes(max(len(region.pixels_by_clear_dates) - 1 for region in regions))
    legend = [LegendEntry(found.title, found.css) for found in classes]
    return CompositePart(
        lead=_lead(contents),
        sentences=(*_sentences(regions), *_left_out_sentences(contents.left_out), *contents.notes),
        legend=(*legend, LegendEntry("none, or too few: no data", HATCHED)),
        cards=tuple(_card(region, stretch, classes) for region in regions),
        region_table=_region_table(contents),
        left_out=_left_out_table(contents.left_out),
    )


def _lead(contents: CompositeData) -> str:
    regions = contents.regions
    dates = sorted({when for region in regions for when in region.dates})
    methods = ", ".join(dict.fromkeys(region.method for region in regions))
    pictures = f"each of {len(regions)} regions" if len(regions) > 1 else category_title(regions[0].region)
    period = f" from {day(dates[0])} to {day(dates[-1])}" if dates else ""
    scenes = count(len(contents.scenes), "scene")
    return (
        f"The chips come from one picture of {pictures}: the {methods} of what {scenes}{period} show where the sky is "
        "clear."
    )


def _sentences(regions: Sequence[CompositeView]) -> tuple[str, ...]:
    return (
        _baseline_sentence(sorted({baseline for region in regions for baseline in region.baselines})),
        _clear_sentence(_together([region.pixels_by_clear_dates for region in regions])),
    )


def _clear_sentence(counts: NDArray[np.int64]) -> str:
    low, middle, high = _quantiles(counts)
    without = _share(counts[0], counts.sum()) if counts[0] else "None"
    return (
        f"{without} of the pixels {'are' if counts[0] else 'is'} without a clear date; half of all have {middle} or "
        f"more, nine in ten {low} to {high}."
    )


def _baseline_sentence(baselines: Sequence[str]) -> str:
    if not baselines:
        return "The scenes don't say which processing baseline they are of."
    new = [baseline for baseline in baselines if baseline >= _WITH_OFFSET]
    listed = " and ".join((", ".join(baselines[:-1]), baselines[-1])) if len(baselines) > 1 else baselines[0]
    if new and len(new) < len(baselines):
        return (
            f"Processing baselines {listed} are mixed: since {_WITH_OFFSET} the numbers in the files carry an offset "
            "of 1000, before they did not. All dates were brought to one scale before they were compared."
        )
    named = f"All scenes are of processing baseline{'s' if len(baselines) > 1 else ''} {listed}"
    return f"{named}, whose numbers carry {'an offset of 1000; it was taken into account' if new else 'no offset'}."


def _left_out_sentences(left_out: pd.DataFrame) -> tuple[str, ...]:
    if left_out.empty:
        return ("All scenes that were found were used.",)
    kinds, details = zip(*(str(reason).partition(": ")[::2] for reason in left_out["reason"]), strict=True)
    regions = left_out["item"].fillna("") == ""
    reasons = Counter(kind for kind, whole in zip(kinds, regions, strict=True) if not whole)
    listed = ", ".join(f"{number} {kind}" for kind, number in reasons.most_common())
    verb = "was" if reasons.total() == 1 else "were"
    scenes = f"{count(reasons.total(), 'scene')} {verb} left out or could not be read everywhere: {listed}."
    return (
        *((scenes,) if reasons else ()),
        *(
            f"{category_title(str(region))} was left out as a whole: {detail}."
            for region, detail, whole in zip(left_out["region"], details, regions, strict=True)
            if whole
        ),
    )


def _card(region: CompositeView, stretch: Stretch, classes: Sequence[CountClass]) -> CompositeCard:
    low, middle, high = _quantiles(region.pixels_by_clear_dates)
    clear = f"{low} to {high} clear dates, {middle} in the middle"
    return CompositeCard(
        region=category_title(region.region),
        details=f"{count(len(region.dates), 'date')} · {clear}",
        description=f"Map of {category_title(region.region)}: {clear}",
        photograph=inline_photograph(photograph(region.visible, stretch)),
        clear_dates=inline_photograph(clear_date_map(region.clear_dates, classes), lossless=True),
        pixelated=max(region.clear_dates.shape) < _PIXEL_ART_BELOW,
    )


def _region_table(contents: CompositeData) -> Table:
    rows = []
    for region in contents.regions:
        counts = region.pixels_by_clear_dates
        low, middle, high = _quantiles(counts)
        cells = (
            Cell(str(int((contents.scenes["region"] == region.region).sum()))),
            Cell(str(len(region.dates))),
            Cell(", ".join(region.baselines) or MISSING),
            Cell(str(middle), f"{low}\N{EN DASH}{high}"),
            Cell(_share(counts[0], counts.sum())),
        )
        period = f"{day(region.dates[0])} to {day(region.dates[-1])}" if region.dates else ""
        rows.append(Row(category_title(region.region), cells, period))
    heads = ("", "Scenes", "Days", "Baselines", "Clear dates", "Without any")
    return Table("Regions: clear dates of the median pixel; small: of nine pixels in ten", heads, tuple(rows))


def _left_out_table(left_out: pd.DataFrame) -> Table | None:
    if left_out.empty:
        return None
    texts = left_out.fillna("").astype("str")[["item", "region", "datetime", "reason"]]
    rows = []
    for item, region, when, reason in texts.itertuples(index=False, name=None):
        where = category_title(region)
        note = " · ".join(part for part in (where, when[:10]) if part) if item else ""
        rows.append(Row(item or where, (Cell(reason),), note))
    return Table("Scenes left out", ("Scene", "Reason"), tuple(rows))


def _together(counts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    total = np.zeros(max(len(one) for one in counts), dtype=np.int64)
    for one in counts:
        total[: len(one)] += one
    return total


def _quantiles(counts: NDArray[np.int64]) -> tuple[int, int, int]:
    """Numbers of clear dates that the 5th, the 50th and the 95th pixel in a hundred have."""
    low, middle, high = np.searchsorted(np.cumsum(counts), np.array([0.05, 0.5, 0.95]) * counts.sum())
    return int(low), int(middle), int(high)


def _share(part: int, whole: int) -> str:
    """A share that may be small: two significant digits."""
    share = part / whole
    if part and share < _SMALLEST_SHARE:
        return "Under 0.01\N{NARROW NO-BREAK SPACE}%"
    return f"{100 * share:.2g}\N{NARROW NO-BREAK SPACE}%" if share < 0.995 else "100\N{NARROW NO-BREAK SPACE}%"
