"""The report's part on chip classifiers: is there a mine in a chip?"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mining_the_mines.reporting import figures
from mining_the_mines.reporting.classification_summary import Answer, answer, select_scores
from mining_the_mines.reporting.drawing import captioned
from mining_the_mines.reporting.formatting import SPLIT_TITLES, metric_title, model_title
from mining_the_mines.reporting.gallery import Shelf, arrange_gallery
from mining_the_mines.reporting.place_map import DECISION_SYMBOLS, SPLIT_SYMBOLS, place_map
from mining_the_mines.reporting.report_data import ClassificationData, Picture
from mining_the_mines.reporting.tables import (
    Confusion,
    Table,
    category_rows,
    confusions,
    exclusion_rows,
    score_rows,
)
from mining_the_mines.scoring.tables import OUT_OF_FOLD, split_predictions

#: Scores of the overview figure: all of them better when larger.
_OVERVIEW = ("f1", "precision", "recall", "specificity", "roc_auc", "average_precision")


@dataclass(frozen=True)
class ClassificationPart:
    """All that the page says about chip classifiers, ready to be written out.

    Attributes:
        answer: What stands first.
        model: The chosen model in headings.
        threshold: Its threshold.
        score_tables: Scores of all models, by split.
        overview: The same, drawn.
        curves: Curves by title of the split.
        threshold_pictures: What other thresholds would have brought.
        confusions: Right and wrong decisions by title of the split.
        category_tables: Right decisions by category.
        exclusion_tables: Ranking without a category.
        shelves: Chips to look at.
        has_attention: Whether the gallery tells where the model looked.
        maps: Where chips lie.
        learning: How training went.
        importances: What the baseline stands on.
    """

    answer: Answer
    model: str
    threshold: float
    score_tables: list[Table]
    overview: list[Picture]
    curves: list[tuple[str, list[Picture]]]
    threshold_pictures: list[Picture]
    confusions: list[tuple[str, list[Confusion]]]
    category_tables: list[Table]
    exclusion_tables: list[Table]
    shelves: tuple[Shelf, ...]
    has_attention: bool
    maps: list[Picture]
    learning: list[Picture]
    importances: Picture | None


def arrange_classification(contents: ClassificationData, interval_level: float) -> ClassificationPart:
    """Put what is known of chip classifiers into words, tables and pictures.

    Args:
        contents: What the report shows of them; parts that are missing stay empty.
        interval_level: Share of intervals that should cover the truth.
    """
    return ClassificationPart(
        answer=answer(contents, interval_level),
        model=model_title(contents.chosen_model),
        threshold=contents.thresholds[contents.chosen_model],
        score_tables=_score_tables(contents),
        overview=_overview(contents),
        curves=_curves(contents),
        threshold_pictures=_threshold_pictures(contents),
        confusions=_confusions(contents),
        category_tables=_category_tables(contents),
        exclusion_tables=_exclusion_tables(contents),
        shelves=arrange_gallery(contents.gallery),
        has_attention=any(tile.attention is not None for tile in contents.gallery),
        maps=_maps(contents),
        learning=learning_pictures(contents.learning_curves, "learning"),
        importances=_importance_picture(contents),
    )


def _splits(contents: ClassificationData) -> list[tuple[str, pd.DataFrame]]:
    """Splits with their predictions, the test first."""
    return list(split_predictions(contents.predictions))[::-1]


def _overview(contents: ClassificationData) -> list[Picture]:
    pictures = []
    table = contents.score_table
    shown = table[table["metric"].isin(_OVERVIEW) & table["category_excluded"].isna()]
    lowest = max(0.0, float(np.nanmin([0.98, *shown["low"], *shown["value"]])) - 0.03)
    for split, title in SPLIT_TITLES.items():
        scores = select_scores(contents.score_table, split)
        scores = scores[scores["metric"].isin(_OVERVIEW)]
        if scores.empty:
            continue
        where = title.lower()
        picture = captioned(
            figures.interval_figure(scores, lowest),
            f"overview-{split.replace('-', '')}",
            f"Scores of each model {where} with their intervals; the table gives the figures.",
            f"Scores and their intervals {where}.",
        )
        pictures.append(picture)
    return pictures


def _score_tables(contents: ClassificationData) -> list[Table]:
    chosen, table = contents.chosen_model, contents.score_table
    tables = [score_rows(table, *split, chosen) for split in SPLIT_TITLES.items()]
    return [table for table in tables if table is not None]


def _curves(contents: ClassificationData) -> list[tuple[str, list[Picture]]]:
    drawn = []
    for split, rows in _splits(contents):
        if rows["label"].nunique() < 2:
            continue
        name = split.replace("-", "")
        where = SPLIT_TITLES[split].lower()
        pictures = [
            captioned(
                figures.roc_figure(rows),
                f"roc-{name}",
                f"ROC curves of all models {where}.",
                "ROC: how many mines are found for how many false alarms.",
            ),
            captioned(
                figures.precision_recall_figure(rows),
                f"pr-{name}",
                f"Precision-recall curves of all models {where}.",
                "Precision and recall: finding more mines costs more false alarms.",
            ),
            captioned(
                figures.calibration_figure(rows),
                f"calibration-{name}",
                f"Reliability curves of all models {where}.",
                "Calibration: on the diagonal, a promised 80\N{NARROW NO-BREAK SPACE}% comes true in "
                "80\N{NARROW NO-BREAK SPACE}% of chips. Larger dots stand for more chips.",
            ),
        ]
        drawn.append((SPLIT_TITLES[split], pictures))
    return drawn


def _chosen_rows(contents: ClassificationData) -> Iterator[tuple[str, pd.DataFrame]]:
    for split, rows in _splits(contents):
        chosen = rows[rows["model"] == contents.chosen_model]
        if not chosen.empty:
            yield split, chosen


def _threshold_pictures(contents: ClassificationData) -> list[Picture]:
    threshold = contents.thresholds[contents.chosen_model]
    chosen = dict(_chosen_rows(contents))
    pictures = []
    tuned = chosen.get(OUT_OF_FOLD)
    if tuned is not None and tuned["label"].nunique() == 2:
        picture = captioned(
            figures.threshold_figure(tuned, threshold),
            "threshold",
            f"F1, precision and recall by threshold; {threshold:.3f} was chosen.",
            "What other thresholds would have brought, out of fold.",
        )
        pictures.append(picture)
    for split, rows in chosen.items():
        where = SPLIT_TITLES[split].lower()
        picture = captioned(
            figures.probability_figure(rows, threshold),
            f"probabilities-{split.replace('-', '')}",
            f"Histogram of predicted probabilities by truth {where}.",
            f"How far mines and other chips are kept apart, {where}.",
        )
        pictures.append(picture)
    return pictures


def _confusions(contents: ClassificationData) -> list[tuple[str, list[Confusion]]]:
    found = [(title, confusions(contents.score_table, split)) for split, title in SPLIT_TITLES.items()]
    return [(title, matrices) for title, matrices in found if matrices]


def _category_tables(contents: ClassificationData) -> list[Table]:
    chosen, table = contents.chosen_model, contents.category_table
    tables = [] if table is None else [category_rows(table, *split, chosen) for split in SPLIT_TITLES.items()]
    return [table for table in tables if table is not None]


def _exclusion_tables(contents: ClassificationData) -> list[Table]:
    chosen, table = contents.chosen_model, contents.score_table
    tables = [exclusion_rows(table, *split, chosen) for split in SPLIT_TITLES.items()]
    return [table for table in tables if table is not None]


def learning_pictures(curves: pd.DataFrame | None, prefix: str) -> list[Picture]:
    """Draw how training went, one picture a metric.

    Args:
        curves: Long table ``fold``, ``epoch``, ``stage``, ``metric``, ``value``, if there is one.
        prefix: Begins the pictures' names on the page.
    """
    if curves is None or curves.empty:
        return []
    return [
        captioned(
            figures.learning_curve_figure(curves, metric),
            f"{prefix}-{index}",
            f"{metric_title(metric)} over the epochs, by fold and stage.",
            f"{metric_title(metric)}: thin lines are folds, thick ones their mean.",
        )
        for index, metric in enumerate(dict.fromkeys(curves["metric"].astype(str)))
    ]


def _importance_picture(contents: ClassificationData) -> Picture | None:
    importances = contents.importances
    if importances is None or importances.empty:
        return None
    return captioned(
        figures.importance_figure(importances),
        "importances",
        "The features whose shuffling costs the baseline most, the largest on top.",
        "Permutation importance: what the baseline loses when a feature is shuffled. "
        "Features that tell the same share it among them.",
    )


def _decisions(rows: pd.DataFrame, threshold: float) -> pd.Series:
    called = rows["probability"] >= threshold
    is_mine = rows["label"] == 1
    outcome = pd.Series("TN", index=rows.index)
    outcome = outcome.mask(called & ~is_mine, "FP").mask(~called & is_mine, "FN")
    return outcome.mask(called & is_mine, "TP")


def _maps(contents: ClassificationData) -> list[Picture]:
    chosen = contents.predictions[contents.predictions["model"] == contents.chosen_model]
    splits = chosen["fold"].isna().map({True: "test", False: "train"})
    decisions = _decisions(chosen, contents.thresholds[contents.chosen_model])
    points = chosen.assign(split=splits, decision=decisions)
    drawn = (
        (
            place_map(points, "split", SPLIT_SYMBOLS),
            "map-split",
            "Map of chips for training and for the test.",
            "Where the chips lie.",
        ),
        (
            place_map(points, "decision", DECISION_SYMBOLS),
            "map-decision",
            "Map of right and wrong decisions.",
            f"Where {model_title(contents.chosen_model)} is right and wrong, out of fold and on the test chips.",
        ),
    )
    return [
        captioned(figure, name, description, caption)
        for figure, name, description, caption in drawn
        if figure is not None
    ]
