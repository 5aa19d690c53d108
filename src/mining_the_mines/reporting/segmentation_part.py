"""The part of the report on the segmenter: its figures, tables and pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from mining_the_mines.reporting import figures
from mining_the_mines.reporting.classification_part import learning_figures
from mining_the_mines.reporting.drawing import to_svg
from mining_the_mines.reporting.formatting import MISSING, SPLIT_TITLES, hectares, percent, small_percent
from mining_the_mines.reporting.galleries import Shelf, segmentation_gallery, segmentation_legend
from mining_the_mines.reporting.pictures import LegendEntry
from mining_the_mines.reporting.place_map import FIT_SYMBOLS, place_map
from mining_the_mines.reporting.report_data import SegmentationData
from mining_the_mines.reporting.summaries import (
    SegmentationSummary,
    has_mine,
    is_empty,
    of_split,
    summarise_segmentation,
)
from mining_the_mines.reporting.tables import Table, model_tables, reason_table, score_rows, size_row, text_table
from mining_the_mines.scoring.metrics import LOWER_IS_BETTER
from mining_the_mines.scoring.segmentation_scores import SEGMENTATION_METRICS, SEGMENTATION_TOTALS, SEGMENTER
from mining_the_mines.scoring.tables import select_scores

#: Scores of the overview figure; higher is better in all of them.
_OVERVIEW: Final = ("iou", "f1", "precision", "recall", "boundary_f1", "iou_per_image", "iou_per_mine_image")
#: IoU from which on a prediction counts as good on the map.
_GOOD: Final = 0.5
_NOTES: Final = MappingProxyType(
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


@dataclass(frozen=True)
class SegmentationPart:
    """All that the page shows of the segmenter; sentences stand in the template.

    Attributes:
        summary: Figures of the summary.
        threshold: A pixel is predicted to be mine from this probability on.
        objective: Objective of the threshold.
        score_table: Scores by split.
        figures: SVG by name: ``overview`` (scores with intervals), ``fit`` (histogram of IoU), ``threshold`` and
            ``area_by_threshold`` (with a threshold curve), ``area`` (hectares by chip), ``map`` (with coordinates).
        legend: Colours of the gallery.
        shelves: The gallery.
        chip_score_tables: Scores as a classifier of chips, beside those of classifiers.
        mask_tables: Verdicts on the polygons given, and the masks made of them.
        left_out: Chips without a mask.
        learning: Learning curves by title of the metric.
    """

    summary: SegmentationSummary
    threshold: float
    objective: str
    score_table: Table
    figures: Mapping[str, Markup]
    legend: tuple[LegendEntry, ...]
    shelves: tuple[Shelf, ...]
    chip_score_tables: list[Table]
    mask_tables: list[Table]
    left_out: Table | None
    learning: list[tuple[str, Markup]]


def arrange_segmentation(data: SegmentationData) -> SegmentationPart:
    """Draw the figures and format the tables of the segmenter.

    Args:
        data: Missing parts stay empty.
    """
    masks, chip_scores = data.mask_table, data.chip_score_table
    tables = [_polygon_table(data.polygon_inventory), None if masks is None else _mask_table(masks)]
    if chip_scores is not None:
        # The mine-like pixels of a chip rank it, but are no calibrated probability.
        chip_scores = chip_scores[~chip_scores["metric"].isin(LOWER_IS_BETTER)]
    left_out = None if masks is None else masks[masks["reason"].notna()]
    return SegmentationPart(
        summary=summarise_segmentation(data),
        threshold=data.threshold,
        objective=data.objective,
        score_table=_score_table(data),
        figures={name: to_svg(figure, f"segmentation-{name}") for name, figure in _figures(data).items()},
        legend=segmentation_legend(data.gallery),
        shelves=segmentation_gallery(data.gallery),
        chip_score_tables=[] if chip_scores is None or chip_scores.empty else model_tables(chip_scores, SEGMENTER),
        mask_tables=[table for table in tables if table is not None],
        left_out=None if left_out is None else reason_table(left_out, "filename", "Chips without a mask", "File"),
        learning=learning_figures(data.learning_curves, "segmentation-learning"),
    )


def _figures(data: SegmentationData) -> dict[str, Figure]:
    scores = pd.concat(
        select_scores(data.score_table, split).assign(model=title) for split, title in SPLIT_TITLES.items()
    )
    scores = scores[scores["metric"].isin(_OVERVIEW)]
    chips = {title: of_split(data.chip_table, split) for split, title in SPLIT_TITLES.items()}
    chips = {title: rows for title, rows in chips.items() if len(rows)}
    mines = {title: rows[has_mine(rows)] for title, rows in chips.items()}
    drawn = {"overview": figures.interval_figure(scores, figures.lowest_score(scores))}
    if any(len(rows) for rows in mines.values()):
        drawn["fit"] = figures.fit_figure(mines)
    curve = data.threshold_curve
    if curve is not None and not curve.empty:
        drawn["threshold"] = figures.threshold_figure(curve, ("iou", "precision", "recall"), data.threshold)
        drawn["area_by_threshold"] = figures.area_by_threshold_figure(curve, data.threshold)
    drawn["area"] = figures.area_figure(chips)
    place = _map(data.chip_table)
    return drawn if place is None else {**drawn, "map": place}


def _map(chips: pd.DataFrame) -> Figure | None:
    mine, empty = has_mine(chips), is_empty(chips)
    fit = pd.Series("poor", index=chips.index).mask(chips["iou"] >= _GOOD, "good")
    fit = fit.mask(chips["true_positive"] == 0, "missed").mask(empty, "empty")
    fit = fit.mask(empty & (chips["false_positive"] > 0), "false")
    return place_map(chips.assign(fit=fit)[mine | empty], "fit", FIT_SYMBOLS)


def _score_table(data: SegmentationData) -> Table:
    columns = {title: select_scores(data.score_table, split) for split, title in SPLIT_TITLES.items()}
    columns = {title: rows for title, rows in columns.items() if len(rows)}
    notes = {**_NOTES, "boundary_f1": f"rims within {data.tolerance:g} pixels of each other"}
    rows = score_rows(columns, (*SEGMENTATION_METRICS, *SEGMENTATION_TOTALS), notes)
    return Table("Segmentation", ("", *columns), (*rows, size_row(columns)))


def _polygon_table(inventory: pd.DataFrame | None) -> Table | None:
    """Count the features by verdict and reason, the most frequent first."""
    if inventory is None or inventory.empty:
        return None
    named = inventory.assign(reason=inventory["reason"].astype("string").fillna(""))
    groups = named.groupby(["verdict", "reason"], sort=False, as_index=False)["hectares"].agg(["size", "sum"])
    return text_table(
        "The polygons given",
        ("", "Features", "Share", "Area"),
        [
            (
                (str(verdict).capitalize(), str(reason)),
                number,
                percent(number / len(named)),
                hectares(area) if area else MISSING,
            )
            for verdict, reason, number, area in groups.sort_values("size", ascending=False).itertuples(
                index=False, name=None
            )
        ],
    )


def _mask_table(masks: pd.DataFrame) -> Table | None:
    made = masks[masks["reason"].isna()]
    mine = made["mine_pixels"] > 0
    lines = [
        ("Chips with a mask", len(made)),
        ("With a mine", mine.sum()),
        (("Without", "an empty mask, which teaches too"), (~mine).sum()),
        ("Left out", len(masks) - len(made)),
        ("Mined area", hectares(float(made["mine_hectares"].sum()))),
        (("Mined share", "of the known pixels"), small_percent(made["mine_pixels"].sum(), made["known_pixels"].sum())),
        (("Slivers", "polygons that reach into a chip but hit no pixel's centre"), int(made["slivers"].sum())),
    ]
    return text_table("The masks", ("", ""), lines)
