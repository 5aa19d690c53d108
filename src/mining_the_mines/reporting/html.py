"""The report as one HTML file that opens offline."""

from collections.abc import Iterator
from importlib import resources

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from mining_the_mines.reporting import figures
from mining_the_mines.reporting.answer import answer, select_scores
from mining_the_mines.reporting.contents import Picture, ReportContents, ReportSection
from mining_the_mines.reporting.drawing import to_svg
from mining_the_mines.reporting.gallery import arrange_gallery
from mining_the_mines.reporting.place_map import DECISION_SYMBOLS, SPLIT_SYMBOLS, place_map
from mining_the_mines.reporting.tables import (
    Confusion,
    Table,
    category_rows,
    confusions,
    exclusion_rows,
    fold_rows,
    manifest_rows,
    plain_table,
    rejection_rows,
    score_rows,
)
from mining_the_mines.reporting.wording import metric_title, model_title
from mining_the_mines.scoring.tables import OUT_OF_FOLD, TEST, split_predictions

_PACKAGE = "mining_the_mines.reporting"
_SPLIT_TITLES = {TEST: "On the test chips", OUT_OF_FOLD: "Out of fold"}
#: Scores of the overview figure: all of them better when larger.
_OVERVIEW = ("f1", "precision", "recall", "specificity", "roc_auc", "average_precision")


def render_report(contents: ReportContents) -> str:
    """Render the report.

    Args:
        contents: What it shows; parts that are missing are left out.

    Returns:
        A whole HTML document with its style and pictures inside: it has no script and fetches
        nothing, so that it can be sent by mail and opened anywhere.
    """
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = resources.files(_PACKAGE).joinpath("templates/report.css").read_text("utf-8")
    return environment.get_template("report.html.jinja").render(
        contents=contents,
        style=Markup(style),  # noqa: S704 - our own file
        model=model_title(contents.chosen_model),
        answer=answer(contents),
        overview=_overview(contents),
        score_tables=_score_tables(contents),
        curves=_curves(contents),
        threshold_pictures=_threshold_pictures(contents),
        confusions=_confusions(contents),
        category_tables=_category_tables(contents),
        exclusion_tables=_exclusion_tables(contents),
        learning=_learning_pictures(contents),
        importances=_importance_picture(contents),
        shelves=arrange_gallery(contents.gallery),
        maps=_maps(contents),
        sections=[_section(section) for section in contents.sections],
        data=_data(contents),
    )


def _picture(figure: Figure, name: str, description: str, caption: str) -> Picture:
    return Picture(Markup(to_svg(figure, name, description)), caption)  # noqa: S704 - escaped there


def _splits(contents: ReportContents) -> list[tuple[str, pd.DataFrame]]:
    """Splits with their predictions, the test first."""
    return list(split_predictions(contents.predictions))[::-1]


def _overview(contents: ReportContents) -> list[Picture]:
    pictures = []
    table = contents.score_table
    shown = table[table["metric"].isin(_OVERVIEW) & table["category_excluded"].isna()]
    lowest = max(0.0, float(np.nanmin([0.98, *shown["low"], *shown["value"]])) - 0.03)
    for split, title in _SPLIT_TITLES.items():
        scores = select_scores(contents.score_table, split)
        scores = scores[scores["metric"].isin(_OVERVIEW)]
        if scores.empty:
            continue
        where = title.lower()
        picture = _picture(
            figures.interval_figure(scores, lowest),
            f"overview-{split.replace('-', '')}",
            f"Scores of each model {where} with their intervals; the table gives the figures.",
            f"Scores and their intervals {where}.",
        )
        pictures.append(picture)
    return pictures


def _score_tables(contents: ReportContents) -> list[Table]:
    chosen, table = contents.chosen_model, contents.score_table
    tables = [score_rows(table, *split, chosen) for split in _SPLIT_TITLES.items()]
    return [table for table in tables if table is not None]


def _curves(contents: ReportContents) -> list[tuple[str, list[Picture]]]:
    drawn = []
    for split, rows in _splits(contents):
        if rows["label"].nunique() < 2:
            continue
        name = split.replace("-", "")
        where = _SPLIT_TITLES[split].lower()
        pictures = [
            _picture(
                figures.roc_figure(rows),
                f"roc-{name}",
                f"ROC curves of all models {where}.",
                "ROC: how many mines are found for how many false alarms.",
            ),
            _picture(
                figures.precision_recall_figure(rows),
                f"pr-{name}",
                f"Precision-recall curves of all models {where}.",
                "Precision and recall: finding more mines costs more false alarms.",
            ),
            _picture(
                figures.calibration_figure(rows),
                f"calibration-{name}",
                f"Reliability curves of all models {where}.",
                "Calibration: on the diagonal, a promised 80\N{NARROW NO-BREAK SPACE}% comes true in "
                "80\N{NARROW NO-BREAK SPACE}% of chips. Larger dots stand for more chips.",
            ),
        ]
        drawn.append((_SPLIT_TITLES[split], pictures))
    return drawn


def _chosen_rows(contents: ReportContents) -> Iterator[tuple[str, pd.DataFrame]]:
    for split, rows in _splits(contents):
        chosen = rows[rows["model"] == contents.chosen_model]
        if not chosen.empty:
            yield split, chosen


def _threshold_pictures(contents: ReportContents) -> list[Picture]:
    threshold = contents.thresholds[contents.chosen_model]
    chosen = dict(_chosen_rows(contents))
    pictures = []
    tuned = chosen.get(OUT_OF_FOLD)
    if tuned is not None and tuned["label"].nunique() == 2:
        picture = _picture(
            figures.threshold_figure(tuned, threshold),
            "threshold",
            f"F1, precision and recall by threshold; {threshold:.3f} was chosen.",
            "What other thresholds would have brought, out of fold.",
        )
        pictures.append(picture)
    for split, rows in chosen.items():
        where = _SPLIT_TITLES[split].lower()
        picture = _picture(
            figures.probability_figure(rows, threshold),
            f"probabilities-{split.replace('-', '')}",
            f"Histogram of predicted probabilities by truth {where}.",
            f"How far mines and other chips are kept apart, {where}.",
        )
        pictures.append(picture)
    return pictures


def _confusions(contents: ReportContents) -> list[tuple[str, list[Confusion]]]:
    found = [(title, confusions(contents.score_table, split)) for split, title in _SPLIT_TITLES.items()]
    return [(title, matrices) for title, matrices in found if matrices]


def _category_tables(contents: ReportContents) -> list[Table]:
    chosen, table = contents.chosen_model, contents.category_table
    tables = [] if table is None else [category_rows(table, *split, chosen) for split in _SPLIT_TITLES.items()]
    return [table for table in tables if table is not None]


def _exclusion_tables(contents: ReportContents) -> list[Table]:
    chosen, table = contents.chosen_model, contents.score_table
    tables = [exclusion_rows(table, *split, chosen) for split in _SPLIT_TITLES.items()]
    return [table for table in tables if table is not None]


def _learning_pictures(contents: ReportContents) -> list[Picture]:
    curves = contents.learning_curves
    if curves is None or curves.empty:
        return []
    return [
        _picture(
            figures.learning_curve_figure(curves, metric),
            f"learning-{index}",
            f"{metric_title(metric)} over the epochs, by fold and stage.",
            f"{metric_title(metric)}: thin lines are folds, thick ones their mean.",
        )
        for index, metric in enumerate(dict.fromkeys(curves["metric"].astype(str)))
    ]


def _importance_picture(contents: ReportContents) -> Picture | None:
    importances = contents.importances
    if importances is None or importances.empty:
        return None
    return _picture(
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


def _maps(contents: ReportContents) -> list[Picture]:
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
        _picture(figure, name, description, caption)
        for figure, name, description, caption in drawn
        if figure is not None
    ]


def _section(section: ReportSection) -> dict[str, object]:
    return {
        "title": section.title,
        "text": section.text,
        "pictures": [
            Picture(Markup(picture.markup), picture.caption)  # noqa: S704 - trusted by contract
            for picture in section.pictures
        ],
        "tables": [plain_table(frame, caption) for caption, frame in section.tables.items()],
    }


def _data(contents: ReportContents) -> dict[str, object]:
    statistics = contents.band_statistics
    needed = {"band", "p2", "p25", "p50", "p75", "p98"}
    band_picture = None
    if statistics is not None and needed <= set(statistics.columns) and len(statistics):
        band_picture = _picture(
            figures.band_figure(statistics),
            "bands",
            "Reflectance of training chips by band.",
            "Reflectance by band: the box holds the middle half of the pixels, the mark is the "
            "median, the line reaches from the 2nd to the 98th percentile.",
        )
    return {
        "manifest": None if contents.manifest is None else manifest_rows(contents.manifest),
        "rejections": None if contents.manifest is None else rejection_rows(contents.manifest),
        "folds": None if contents.folds is None else fold_rows(contents.folds),
        "bands": band_picture,
        "band_table": None if statistics is None else plain_table(statistics, "Band statistics of the training chips"),
    }
