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
from mining_the_mines.reporting.formatting import MISSING, SPLIT_TITLES, hectares, model_name, percent, small_percent
from mining_the_mines.reporting.galleries import SegmentationTile, Shelf, segmentation_gallery, segmentation_legend
from mining_the_mines.reporting.pictures import LegendEntry
from mining_the_mines.reporting.place_map import FIT_SYMBOLS, place_map
from mining_the_mines.reporting.tables import (
    Headline,
    Table,
    _first,
    _headlines,
    _scores,
    main_split,
    model_tables,
    reason_table,
    score_rows,
    size_row,
    text_table,
)
from mining_the_mines.scoring.bootstrap import Interval
from mining_the_mines.scoring.metrics import LOWER_IS_BETTER
from mining_the_mines.scoring.segmentation_scores import SEGMENTATION_METRICS, SEGMENTATION_TOTALS, SEGMENTER
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST, interval_of, select_scores

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
class SegmentationData:
    """Report data of the segmenter.

    Attributes:
        score_table: From :func:`mining_the_mines.scoring.segmentation_scores.segmentation_score_table`, of one model.
        chip_table: Measures of each chip from
            :func:`mining_the_mines.scoring.segmentation_measures.measure_segmentation`, with ``place`` and ``fold``
            (missing for test chips); ``longitude`` and ``latitude`` where known.
        threshold: A pixel is predicted to be mine from this probability on.
        objective: Objective of the threshold: ``iou`` or ``area``.
        tolerance: Pixels up to which two rims agree.
        threshold_curve: From :func:`mining_the_mines.scoring.thresholds.pixel_threshold_curve`.
        gallery: Chips to show, in order within each kind.
        mask_table: One row a chip: ``filename``, ``reason`` (why it has no mask; missing otherwise), ``polygons``,
            ``slivers``, ``mine_pixels``, ``known_pixels``, ``mine_hectares``.
        polygon_inventory: One row a feature of the polygons given: ``layer``, ``feature``, ``verdict``, ``reason``,
            ``hectares``.
        learning_curves: As in :class:`ClassificationData`, without ``model``.
        chip_score_table: Scores of the segmenter and of the chosen classifier as classifiers of chips, as
            ``score_table`` of :class:`ClassificationData`.
    """

    score_table: pd.DataFrame
    chip_table: pd.DataFrame
    threshold: float
    objective: str = "iou"
    tolerance: float = 2.0
    threshold_curve: pd.DataFrame | None = None
    gallery: tuple[SegmentationTile, ...] = ()
    mask_table: pd.DataFrame | None = None
    polygon_inventory: pd.DataFrame | None = None
    learning_curves: pd.DataFrame | None = None
    chip_score_table: pd.DataFrame | None = None


@dataclass(frozen=True)
class SegmentationSummary:
    """Figures of the segmenter, on the test split if there is one, else out of fold.

    Attributes:
        test: Whether they are of the test split.
        chips: Number of chips scored.
        places: Number of places that they lie in.
        scores: Its scores by metric.
        true_hectares: Area of true mines.
        found_hectares: Area of true mines that is predicted.
        false_hectares: Area that is predicted and no mine.
        tolerance: Pixels up to which two rims agree.
        mines: Number of chips with a mine.
        missed: Number of those without a single predicted pixel of it.
        missed_hectares: Area of their mines.
        empty: Number of chips without a mine.
        roc_auc: Of the segmenter as a classifier of chips, if it was compared.
        others: Names and ROC AUC of the classifiers that it was compared with.
        headlines: Large figures.
    """

    test: bool
    chips: int
    places: int
    scores: dict[str, Interval]
    true_hectares: float
    found_hectares: float
    false_hectares: float
    tolerance: float
    mines: int
    missed: int
    missed_hectares: float
    empty: int
    roc_auc: float | None
    others: tuple[tuple[str, float], ...]
    headlines: tuple[Headline, ...]


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


def summarise_segmentation(data: SegmentationData) -> SegmentationSummary:
    """Gather the figures of the segmenter."""
    split = main_split(data.score_table)
    rows = select_scores(data.score_table, split)
    chips = of_split(data.chip_table, split)
    found = found_hectares(chips)
    missed = chips[has_mine(chips) & (chips["true_positive"] == 0)]
    roc_auc, others = _as_classifier(data.chip_score_table, split)
    metrics = ("iou", "recall", "precision", "area_bias_hectares")
    out_of_fold = select_scores(data.score_table, OUT_OF_FOLD) if split == TEST else None
    return SegmentationSummary(
        test=split == TEST,
        chips=_first(rows, "chips"),
        places=_first(rows, "places"),
        scores=_scores(rows),
        true_hectares=float(chips["true_hectares"].sum()),
        found_hectares=found,
        false_hectares=float(chips["predicted_hectares"].sum()) - found,
        tolerance=data.tolerance,
        mines=int(has_mine(chips).sum()),
        missed=len(missed),
        missed_hectares=float(missed["true_hectares"].sum()),
        empty=int(is_empty(chips).sum()),
        roc_auc=roc_auc,
        others=others,
        headlines=_headlines(metrics, rows, out_of_fold),
    )


def of_split(chips: pd.DataFrame, split: str) -> pd.DataFrame:
    """Select the chips of a split by ``fold``, which is missing for test chips."""
    return chips[chips["fold"].isna() == (split == TEST)]


def found_hectares(chips: pd.DataFrame) -> float:
    """Sum the predicted area of true mines; chips may have pixels of different sizes."""
    mine = chips["true_positive"] + chips["false_negative"]
    return float((chips["true_hectares"] * chips["true_positive"] / mine.where(mine > 0)).sum())


def has_mine(chips: pd.DataFrame) -> pd.Series:
    """Mark chips with a mine in their known pixels."""
    return chips["true_positive"] + chips["false_negative"] > 0


def is_empty(chips: pd.DataFrame) -> pd.Series:
    """Mark chips without a mine in their known pixels, of which there is at least one."""
    return ~has_mine(chips) & (chips["false_positive"] + chips["true_negative"] > 0)


def _as_classifier(table: pd.DataFrame | None, split: str) -> tuple[float | None, tuple[tuple[str, float], ...]]:
    if table is None or table.empty:
        return None, ()
    areas = {
        str(model): interval_of(select_scores(table, split, str(model)), "roc_auc") for model in table["model"].unique()
    }
    own = areas.pop(SEGMENTER, None)
    if own is None or own.value != own.value:
        return None, ()
    return own.value, tuple((model_name(model), area.value) for model, area in areas.items() if area is not None)
