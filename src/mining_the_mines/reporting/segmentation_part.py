"""The part of the report on the segmenter: its figures, tables and pictures."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import pandas as pd
from matplotlib.figure import Figure

from mining_the_mines.reporting import figures
from mining_the_mines.reporting.classification_part import learning_figures
from mining_the_mines.reporting.drawing import to_svg
from mining_the_mines.reporting.formatting import (
    MISSING,
    SPLIT_TITLES,
    hectares,
    model_name,
    percent,
    small_percent,
)
from mining_the_mines.reporting.galleries import SegmentationTile, segmentation_gallery, segmentation_legend
from mining_the_mines.reporting.place_map import FIT_SYMBOLS, place_map
from mining_the_mines.reporting.tables import (
    Table,
    model_tables,
    reason_table,
    score_rows,
    size_row,
    summarise_scores,
    text_table,
)
from mining_the_mines.scoring.metrics import LOWER_IS_BETTER
from mining_the_mines.scoring.segmentation import SEGMENTATION_METRICS, SEGMENTATION_TOTALS
from mining_the_mines.scoring.tables import OUT_OF_FOLD, SEGMENTER, TEST, select_scores, split_predictions

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
        score_table: From :func:`mining_the_mines.scoring.segmentation.segmentation_score_table`, of one model.
        chip_table: Measures of each chip from
            :func:`mining_the_mines.scoring.segmentation.measure_segmentation`, with ``place`` and ``fold``
            (missing for test chips); ``longitude`` and ``latitude`` where known.
        threshold: A pixel is predicted to be mine from this probability on.
        objective: Objective of the threshold: ``iou`` or ``area``.
        tolerance: Pixels up to which two rims agree.
        threshold_curve: From :func:`mining_the_mines.scoring.thresholds.pixel_threshold_curve`.
        gallery: Chips to show, in order within each kind.
        mask_table: One row per chip: ``filename``, ``reason`` (why it has no mask; missing otherwise), ``polygons``,
            ``slivers``, ``mine_pixels``, ``known_pixels``, ``mine_hectares``.
        polygon_inventory: One row per feature of the given polygons: ``layer``, ``feature``, ``verdict``, ``reason``,
            ``hectares``.
        learning_curves: As in :class:`~mining_the_mines.reporting.classification_part.ClassificationData`, without
            ``model``.
        chip_score_table: Scores of the segmenter and of the chosen classifier as classifiers of chips, from
            :func:`mining_the_mines.scoring.tables.score_table`.
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


def arrange_segmentation(data: SegmentationData) -> dict[str, Any]:
    """Draw the figures and format the tables of the segmenter; sentences stand in the template.

    Args:
        data: Missing parts stay empty.

    Returns:
        Values of the template: ``summary`` (see :func:`summarise_segmentation`); ``threshold`` and ``objective``;
        ``score_table``, scores by split; ``figures``, SVG by name: ``overview`` (scores with intervals), ``fit``
        (histogram of IoU), ``threshold`` and ``area_by_threshold`` (with a threshold curve), ``area`` (hectares by
        chip), ``map`` (with coordinates); ``legend`` and ``shelves`` of the gallery; ``chip_score_tables``, scores as
        a classifier; ``mask_tables``, verdicts on the polygons and masks made of them; ``left_out``, chips without a
        mask; ``learning``, learning curves with their titles.
    """
    masks, chip_scores = data.mask_table, data.chip_score_table
    if chip_scores is not None:
        # The mine-like pixels of a chip rank it, but are no calibrated probability.
        chip_scores = chip_scores[~chip_scores["metric"].isin(LOWER_IS_BETTER)]
    mask_tables = (_polygon_table(data.polygon_inventory), None if masks is None else _mask_table(masks))
    return {
        "summary": summarise_segmentation(data),
        "threshold": data.threshold,
        "objective": data.objective,
        "score_table": _score_table(data),
        "figures": {name: to_svg(figure, f"segmentation-{name}") for name, figure in _figures(data).items()},
        "legend": segmentation_legend(data.gallery),
        "shelves": segmentation_gallery(data.gallery),
        "chip_score_tables": [] if chip_scores is None or chip_scores.empty else model_tables(chip_scores, SEGMENTER),
        "mask_tables": [table for table in mask_tables if table],
        "left_out": None
        if masks is None
        else reason_table(masks.dropna(subset="reason"), "filename", "Chips without a mask", "File"),
        "learning": learning_figures(data.learning_curves, "segmentation-learning"),
    }


def summarise_segmentation(data: SegmentationData) -> dict[str, Any]:
    """Gather the figures of the segmenter, on the test split if there is one, else out of fold.

    Returns:
        Values of the summary: those of :func:`~mining_the_mines.reporting.tables.summarise_scores`; ``subject``;
        ``true_hectares`` of mines, how many of them are predicted (``found_hectares``), and how many are predicted
        without a mine (``false_hectares``); ``tolerance``; numbers of chips with a mine (``mines``), of those without
        a predicted pixel of it (``missed``, with ``missed_hectares``), and of chips without a mine (``empty``);
        ``roc_auc`` as a classifier of chips (``None`` if unknown), and ``others``, names and ROC AUC of classifiers.
    """
    summary = summarise_scores(data.score_table, ("iou", "recall", "precision", "area_bias_hectares"))
    split = TEST if summary["test"] else OUT_OF_FOLD
    chips = dict(split_predictions(data.chip_table)).get(split, data.chip_table.iloc[:0])
    mine, empty = _has_mine(chips), _is_empty(chips)
    # Chips may have pixels of different sizes.
    pixels = chips["true_positive"] + chips["false_negative"]
    found = float((chips["true_hectares"] * chips["true_positive"] / pixels.where(mine)).sum())
    missed = chips[mine & (chips["true_positive"] == 0)]
    areas = _areas_as_classifier(data.chip_score_table, split)
    roc_auc = areas.pop(SEGMENTER, None)
    return {
        **summary,
        "subject": "the segmenter",
        "true_hectares": float(chips["true_hectares"].sum()),
        "found_hectares": found,
        "false_hectares": float(chips["predicted_hectares"].sum()) - found,
        "tolerance": data.tolerance,
        "mines": int(mine.sum()),
        "missed": len(missed),
        "missed_hectares": float(missed["true_hectares"].sum()),
        "empty": int(empty.sum()),
        "roc_auc": roc_auc,
        "others": [(model_name(model), area) for model, area in areas.items()] if roc_auc is not None else [],
    }


def _areas_as_classifier(table: pd.DataFrame | None, split: str) -> dict[str, float]:
    """Defined ROC AUC by model."""
    if table is None or table.empty:
        return {}
    rows = select_scores(table, split)
    rows = rows[rows["metric"] == "roc_auc"].dropna(subset="value")
    return dict(zip(rows["model"].astype(str), rows["value"].astype(float), strict=True))


def _has_mine(chips: pd.DataFrame) -> "pd.Series[bool]":
    """Mark chips with a mine in their known pixels."""
    return chips["true_positive"] + chips["false_negative"] > 0


def _is_empty(chips: pd.DataFrame) -> "pd.Series[bool]":
    """Mark chips without a mine in their known pixels, of which there is at least one."""
    return ~_has_mine(chips) & (chips["false_positive"] + chips["true_negative"] > 0)


def _figures(data: SegmentationData) -> dict[str, Figure]:
    scores = pd.concat(
        select_scores(data.score_table, split).assign(model=title) for split, title in SPLIT_TITLES.items()
    )
    scores = scores[scores["metric"].isin(_OVERVIEW)]
    by_split = dict(split_predictions(data.chip_table))
    chips = {title: by_split[split] for split, title in SPLIT_TITLES.items() if split in by_split}
    mines = {title: rows[_has_mine(rows)] for title, rows in chips.items()}
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
    mine, empty = _has_mine(chips), _is_empty(chips)
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
    groups = named.groupby(["verdict", "reason"], sort=False)["hectares"].agg(["size", "sum"])
    lines = [
        ((str(verdict).capitalize(), reason), number, percent(number / len(named)), hectares(area) if area else MISSING)
        for (verdict, reason), number, area in groups.sort_values("size", ascending=False).itertuples(name=None)
    ]
    return text_table("The given polygons", ("", "Features", "Share", "Area"), lines)


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
