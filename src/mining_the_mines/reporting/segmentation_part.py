"""The report's part on outlines: where are the mines, and how many hectares are they?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mining_the_mines.reporting import figures
from mining_the_mines.reporting import segmentation_figures as outline_figures
from mining_the_mines.reporting.classification_part import learning_pictures
from mining_the_mines.reporting.classification_summary import Answer, select_scores
from mining_the_mines.reporting.drawing import captioned
from mining_the_mines.reporting.formatting import SPLIT_TITLES
from mining_the_mines.reporting.overlay import NOT_KNOWN, VERDICTS, Verdict
from mining_the_mines.reporting.place_map import OUTLINE_SYMBOLS, place_map
from mining_the_mines.reporting.report_data import Picture, SegmentationData
from mining_the_mines.reporting.segmentation_gallery import SegmentationShelf, arrange_segmentation_gallery
from mining_the_mines.reporting.segmentation_summary import has_mine, is_empty, of_split, summarise_segmentation
from mining_the_mines.reporting.segmentation_tables import (
    feature_rows,
    left_out_rows,
    mask_rows,
    segmentation_score_rows,
)
from mining_the_mines.reporting.tables import Table, score_rows
from mining_the_mines.scoring.metrics import LOWER_IS_BETTER
from mining_the_mines.scoring.pixel_tally import UNKNOWN
from mining_the_mines.scoring.segmentation_scores import OUTLINES

#: Scores of the overview figure: all of them better when larger.
_OVERVIEW = ("iou", "f1", "precision", "recall", "boundary_f1", "iou_per_image", "iou_per_mine_image")
#: IoU from which on an outline counts as a good one on the map.
_GOOD = 0.5


@dataclass(frozen=True)
class SegmentationPart:
    """All that the page says about outlines, ready to be written out.

    Attributes:
        answer: What stands first.
        threshold: A pixel is called a mine if its probability is at least this.
        objective: What the threshold is for.
        score_table: Scores by split.
        overview: The same, drawn, and each chip's fit.
        threshold_pictures: What other thresholds would have brought, and each chip's area at the chosen one.
        legend: What the colours of the gallery mean.
        shelves: Chips to look at.
        map: Where outlines fit and where not.
        detection_tables: Scores of the map as a classifier, beside those of classifiers.
        mask_tables: What became of the outlines given, and the masks drawn from them.
        left_out: Chips without a mask.
        learning: How training went.
    """

    answer: Answer
    threshold: float
    objective: str
    score_table: Table
    overview: list[Picture]
    threshold_pictures: list[Picture]
    legend: tuple[Verdict, ...]
    shelves: tuple[SegmentationShelf, ...]
    map: Picture | None
    detection_tables: list[Table]
    mask_tables: list[Table]
    left_out: Table | None
    learning: list[Picture]


def arrange_segmentation(contents: SegmentationData, interval_level: float) -> SegmentationPart:
    """Put what is known of outlines into words, tables and pictures.

    Args:
        contents: What the report shows of them; parts that are missing stay empty.
        interval_level: Share of intervals that should cover the truth.
    """
    masks, features = contents.mask_table, contents.polygon_inventory
    tables = [
        None if features is None else feature_rows(features),
        None if masks is None else mask_rows(masks),
    ]
    has_unknown = any((tile.truth == UNKNOWN).any() for tile in contents.gallery)
    return SegmentationPart(
        answer=summarise_segmentation(contents, interval_level),
        threshold=contents.threshold,
        objective=contents.objective,
        score_table=segmentation_score_rows(contents.score_table, contents.tolerance),
        overview=_overview(contents),
        threshold_pictures=_threshold_pictures(contents),
        legend=(*VERDICTS, NOT_KNOWN) if has_unknown else VERDICTS,
        shelves=arrange_segmentation_gallery(contents.gallery),
        map=_map(contents.chip_table),
        detection_tables=_detection_tables(contents.detection_table),
        mask_tables=[table for table in tables if table is not None],
        left_out=None if masks is None else left_out_rows(masks),
        learning=learning_pictures(contents.learning_curves, "outline-learning"),
    )


def _titled(chips: pd.DataFrame) -> pd.DataFrame:
    """Put the title of its split beside each chip, the test first."""
    return pd.concat([of_split(chips, split).assign(split=title) for split, title in SPLIT_TITLES.items()])


def _overview(contents: SegmentationData) -> list[Picture]:
    scores = pd.concat(
        select_scores(contents.score_table, split).assign(model=title) for split, title in SPLIT_TITLES.items()
    )
    shown = scores[scores["metric"].isin(_OVERVIEW)]
    lowest = max(0.0, float(np.nanmin([0.98, *shown["low"], *shown["value"]])) - 0.03)
    chips = _titled(contents.chip_table)
    mines = chips[has_mine(chips)]
    pictures = [
        captioned(
            figures.interval_figure(shown, lowest),
            "outline-overview",
            "Scores of the outlines with their intervals; the table gives the figures.",
            "Scores and their intervals.",
        ),
    ]
    if len(mines):
        picture = captioned(
            outline_figures.fit_figure(mines),
            "outline-fit",
            "Histogram of the IoU of chips with a mine.",
            "How well the mines are outlined: those at the left are all but missed.",
        )
        pictures.append(picture)
    return pictures


def _threshold_pictures(contents: SegmentationData) -> list[Picture]:
    area = captioned(
        outline_figures.area_figure(_titled(contents.chip_table)),
        "outline-area",
        "Outlined against true hectares, a dot a chip.",
        "Hectares chip by chip: above the dotted line too much is outlined, below it too little.",
    )
    curve = contents.threshold_curve
    if curve is None or curve.empty:
        return [area]
    return [
        captioned(
            outline_figures.outline_threshold_figure(curve, contents.threshold),
            "outline-threshold-curve",
            f"IoU, precision and recall of pixels by threshold; {contents.threshold:.3f} was chosen.",
            "What other thresholds would have brought, out of fold.",
        ),
        captioned(
            outline_figures.area_by_threshold_figure(curve, contents.threshold),
            "outline-threshold-area",
            "Outlined hectares by threshold, beside the true ones.",
            "Where the lines cross, the outlined hectares agree with the true ones in total.",
        ),
        area,
    ]


def _map(chips: pd.DataFrame) -> Picture | None:
    mine, empty = has_mine(chips), is_empty(chips)
    alarmed = chips["false_positive"] > 0
    fit = pd.Series("poor", index=chips.index).mask(chips["iou"] >= _GOOD, "good")
    fit = fit.mask(chips["true_positive"] == 0, "missed").mask(empty, "empty").mask(empty & alarmed, "false")
    figure = place_map(chips.assign(fit=fit)[mine | empty], "fit", OUTLINE_SYMBOLS)
    if figure is None:
        return None
    return captioned(
        figure,
        "outline-map-fit",
        "Map of chips by how well their mines are outlined.",
        "Where outlines fit, out of fold and on the test chips.",
    )


def _detection_tables(table: pd.DataFrame | None) -> list[Table]:
    """Compare decisions and ranking; what a map says of a chip as a whole is no calibrated chance."""
    if table is None or table.empty:
        return []
    compared = table[~table["metric"].isin(LOWER_IS_BETTER)]
    tables = [score_rows(compared, *split, OUTLINES) for split in SPLIT_TITLES.items()]
    return [table for table in tables if table is not None]
