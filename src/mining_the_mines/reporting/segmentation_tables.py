"""Tables on outlines: scores by split, what became of the outlines given, and the masks drawn from them."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from mining_the_mines.reporting.classification_summary import interval_of, select_scores
from mining_the_mines.reporting.formatting import (
    MISSING,
    SPLIT_TITLES,
    count,
    decimal,
    decimal_range,
    hectares,
    hectares_range,
    metric_title,
    percent,
    signed_percent,
    signed_percent_range,
)
from mining_the_mines.reporting.tables import Cell, Row, Table
from mining_the_mines.scoring.bootstrap import Interval
from mining_the_mines.scoring.segmentation_scores import OUTLINE_TOTALS, SEGMENTATION_METRICS

_NOTES: Mapping[str, str] = MappingProxyType(
    {
        "iou": "all pixels together: large mines count for more",
        "iou_per_image": "empty ones count 1 if kept empty",
        "iou_per_mine_image": "each chip with a mine counts the same",
        "empty_kept_empty": "share of chips without a mine",
        "area_bias_hectares": "predicted − true, all chips together",
        "area_bias_share": "of the true area",
        "area_error_hectares": "mean distance; smaller is better",
    }
)
_SMALLEST_SHARE = 1e-4


def segmentation_score_rows(table: pd.DataFrame, tolerance: float) -> Table:
    """Lay out the scores of outlines, the splits side by side.

    Args:
        table: From :func:`mining_the_mines.scoring.segmentation_scores.segmentation_score_table`.
        tolerance: Pixels up to which two rims agree.
    """
    splits = {split: title for split, title in SPLIT_TITLES.items() if (table["split"] == split).any()}
    rows = [select_scores(table, split) for split in splits]
    notes = {**_NOTES, "boundary_f1": f"rims within {tolerance:g} pixels of each other"}
    lines = [
        Row(metric_title(metric), tuple(_cell(of_split, metric) for of_split in rows), notes.get(metric, ""))
        for metric in (*SEGMENTATION_METRICS, *OUTLINE_TOTALS)
    ]
    sizes = [(int(of_split["chips"].iloc[0]), int(of_split["places"].iloc[0])) for of_split in rows]
    lines.append(Row("Chips", tuple(Cell(str(chips), count(places, "place")) for chips, places in sizes)))
    return Table("Outlines", ("", *splits.values()), tuple(lines))


def _cell(rows: pd.DataFrame, metric: str) -> Cell:
    figure = interval_of(rows, metric) or Interval(np.nan, np.nan, np.nan)
    if metric == "area_bias_share":
        return Cell(signed_percent(figure.value), signed_percent_range(figure))
    if metric.endswith("hectares"):
        signed = metric == "area_bias_hectares"
        return Cell(hectares(figure.value, signed=signed), hectares_range(figure, signed=signed))
    return Cell(decimal(figure.value), decimal_range(figure))


def feature_rows(inventory: pd.DataFrame) -> Table | None:
    """Count what became of the outlines given: taken as they are, repaired, or dropped, and why.

    Args:
        inventory: One row a feature: ``verdict``, ``reason``, ``hectares``.

    Returns:
        One row a verdict and reason, the commonest first; ``None`` without any feature.
    """
    if inventory.empty:
        return None
    named = inventory.assign(reason=inventory["reason"].astype("string").fillna(""))
    groups = named.groupby(["verdict", "reason"], sort=False, as_index=False)["hectares"].agg(["size", "sum"])
    lines = []
    for verdict, reason, number, area in groups.sort_values("size", ascending=False).itertuples(index=False, name=None):
        cells = (Cell(str(number)), Cell(percent(number / len(named))), Cell(hectares(area) if area else MISSING))
        lines.append(Row(str(verdict).capitalize(), cells, str(reason)))
    return Table("The outlines given", ("", "Features", "Share", "Area"), tuple(lines))


def mask_rows(masks: pd.DataFrame) -> Table:
    """Sum up the masks drawn from the outlines.

    Args:
        masks: One row a chip; columns as in :class:`~mining_the_mines.reporting.report_data.SegmentationData`.
    """
    drawn = masks[masks["reason"].isna()]
    mine = drawn["mine_pixels"] > 0
    lines: list[tuple[str, str, str]] = [
        ("Chips with a mask", str(len(drawn)), ""),
        ("With a mine", str(int(mine.sum())), ""),
        ("Without", str(int((~mine).sum())), "an empty mask, which teaches too"),
        ("Left out", str(len(masks) - len(drawn)), ""),
        ("Mined area", hectares(float(drawn["mine_hectares"].sum())), ""),
        ("Mined share", _share(drawn["mine_pixels"].sum(), drawn["known_pixels"].sum()), "of the known pixels"),
        ("Slivers", str(int(drawn["slivers"].sum())), "outlines that reach into a chip but hit no pixel's centre"),
    ]
    return Table("The masks", ("", ""), tuple(Row(name, (Cell(text),), note) for name, text, note in lines))


def left_out_rows(masks: pd.DataFrame) -> Table | None:
    """List the chips for which no mask could be drawn.

    Args:
        masks: One row a chip: ``filename``, ``reason`` (missing where a mask was drawn).

    Returns:
        The list, or ``None`` if all chips have a mask.
    """
    left_out = masks[masks["reason"].notna()]
    if left_out.empty:
        return None
    lines = [
        Row(str(name), (Cell(str(why)),)) for name, why in zip(left_out["filename"], left_out["reason"], strict=True)
    ]
    return Table("Chips without a mask", ("File", "Reason"), tuple(lines))


def _share(part: float, whole: float) -> str:
    """A share that may be small: two significant digits."""
    if not whole:
        return MISSING
    share = part / whole
    return f"{100 * share:.2g}\N{NARROW NO-BREAK SPACE}%" if share >= _SMALLEST_SHARE or not part else "under 0.01 %"
