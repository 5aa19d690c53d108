"""Tables on maps: what was found scene by scene and size by size, how it compares with a reference, and by permit."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from mining_the_mines.reporting.classification_summary import interval_of
from mining_the_mines.reporting.formatting import (
    MISSING,
    category_title,
    count,
    day,
    decimal,
    decimal_range,
    hectares,
    hectares_range,
    metric_title,
    percent,
    percent_range,
    sight,
    signed_percent,
    signed_percent_range,
    whole,
)
from mining_the_mines.reporting.report_data import MapView
from mining_the_mines.reporting.tables import Cell, Row, Table
from mining_the_mines.scoring.bootstrap import Interval
from mining_the_mines.scoring.map_matching import MapScoreSettings, size_class_titles, size_classes
from mining_the_mines.scoring.map_scores import MAP_METRICS, MAP_TOTALS, MapScores

_NO_FIGURE: Final = Interval(np.nan, np.nan, np.nan)
_NOTES = MappingProxyType(
    {
        "object_f1": "precision and recall in one figure",
        "object_precision": "mapped mines that are a reference mine",
        "object_recall": "reference mines that are mapped",
        "touch_f1": "the same, where any common ground is enough",
        "touch_precision": "mapped mines that touch a reference mine",
        "touch_recall": "reference mines that are touched",
        "mean_iou": "of reference mines with what fits best; 0 if missed",
        "area_iou": "all hectares together: large mines count for more",
        "area_bias_hectares": "mapped − reference",
        "area_bias_share": "of the reference area",
    }
)
_SCENE_METRICS: Final = ("object_f1", "object_precision", "object_recall", "area_iou", "area_bias_share")


def scene_rows(scenes: Sequence[MapView]) -> Table | None:
    """Sum up what was found, one row a scene.

    Args:
        scenes: The maps.

    Returns:
        The table, or ``None`` without any map.
    """
    if not scenes:
        return None
    with_review = any("review" in view.mines for view in scenes)
    heads = ("", "Mines", "Area", "High confidence", *(("To review",) if with_review else ()), "Mapped")
    lines = []
    for view in scenes:
        mines = view.mines
        sure = mines[mines["confidence"] == "high"]
        cells = [Cell(whole(len(mines))), Cell(hectares(_area(mines))), Cell(whole(len(sure)), hectares(_area(sure)))]
        if with_review:
            cells.append(Cell(whole(int(mines["review"].sum())) if "review" in mines else MISSING))
        if not view.mapped_share:
            cells = [Cell(MISSING)] * len(cells)
        cells.append(Cell(hectares(view.mapped_hectares), sight(view.mapped_share)))
        lines.append(Row(category_title(view.scene), tuple(cells), _period(view)))
    return Table("What was found", heads, tuple(lines))


def size_rows(scenes: Sequence[MapView], settings: MapScoreSettings) -> Table | None:
    """Count mapped mines by class of size.

    Args:
        scenes: The maps.
        settings: With the classes.

    Returns:
        The table, or ``None`` without any mine.
    """
    areas = np.concatenate([np.empty(0), *(view.mines["area_ha"].to_numpy(dtype=np.float64) for view in scenes)])
    if not len(areas):
        return None
    classes = size_classes(areas, settings.size_classes_ha)
    lines = []
    for title in size_class_titles(settings.size_classes_ha):
        members = areas[classes == title]
        share = percent(float(members.sum() / areas.sum()))
        lines.append(Row(title, (Cell(whole(len(members))), Cell(hectares(float(members.sum()))), Cell(share))))
    return Table("Mapped mines by size", ("", "Mines", "Area", "Share"), tuple(lines))


def map_score_rows(scores: MapScores) -> Table:
    """Lay out the scores of all maps together, one row a figure.

    Args:
        scores: Of the maps.
    """
    rows = select_map_scores(scores)
    lines = [Row(metric_title(metric), (_cell(rows, metric),), _NOTES[metric]) for metric in MAP_METRICS]
    found = {name: (interval_of(rows, name) or _NO_FIGURE).value for name in MAP_TOTALS}
    for name, side, area in (("Reference", "references", "reference"), ("Mapped", "predictions", "predicted")):
        lines.append(Row(name, (Cell(count(int(found[side]), "mine"), hectares(found[f"{area}_hectares"])),)))
    lines.append(Row("In common", (Cell(hectares(found["common_hectares"])),)))
    return Table("All that was scored", ("", ""), tuple(lines))


def scene_score_rows(scores: MapScores) -> Table | None:
    """Lay out the scores scene by scene, the most telling ones.

    Args:
        scores: Of the maps.

    Returns:
        The table, or ``None`` for a single scene, whose scores are those of all.
    """
    scenes = list(scores.table["scene"].dropna().unique())
    if len(scenes) < 2:
        return None
    lines = []
    for scene in scenes:
        rows = select_map_scores(scores, scene)
        cells = tuple(_cell(rows, metric) for metric in _SCENE_METRICS)
        note = "no reference mine: not scored" if scene in scores.unscored else ""
        lines.append(Row(category_title(scene), cells, note))
    return Table("Scene by scene", ("", *(metric_title(metric) for metric in _SCENE_METRICS)), tuple(lines))


def size_score_rows(scores: MapScores) -> Table:
    """Lay out what is found of small and large mines, and how much of what is mapped small or large is right.

    Args:
        scores: Of the maps.
    """
    lines = []
    for title in size_class_titles(scores.settings.size_classes_ha):
        rows = select_map_scores(scores, size_class=title)
        found = (
            _counted(rows, "object_recall"), _share_cell(rows, "object_recall"), _share_cell(rows, "touch_recall"),
            _counted(rows, "object_precision"), _share_cell(rows, "object_precision"),
        )  # fmt: skip
        lines.append(Row(title, found))
    heads = ("", "Reference mines", "mapped as such", "touched", "Mapped mines", "right")
    return Table("By size", heads, tuple(lines))


def unit_rows(units: pd.DataFrame, caption: str) -> Table | None:
    """List concessions, protected areas and the ground outside with what lies there.

    Args:
        units: As in :class:`~mining_the_mines.reporting.report_data.MapData`, in the order in which they are shown.
        caption: Heading of the table.

    Returns:
        The table, or ``None`` without any unit.
    """
    if units.empty:
        return None
    columns = ("hectares", "hectares_to_review", "high_confidence_hectares", "largest_ha")
    lines = [
        Row(
            str(unit),
            (Cell(whole(int(mines))), *(Cell(hectares(float(area))) for area in areas)),
            category_title(layer),
        )
        for layer, unit, mines, *areas in units[["layer", "unit", "mines", *columns]].itertuples(index=False, name=None)
    ]
    heads = ("", "Mines", "Area", "To review", "High confidence", "Largest")
    return Table(caption, heads, tuple(lines))


def left_out_scene_rows(left_out: pd.DataFrame | None) -> Table | None:
    """List the scenes without a map.

    Args:
        left_out: ``scene``, ``reason``.

    Returns:
        The list, or ``None`` if there is none.
    """
    if left_out is None or left_out.empty:
        return None
    rows = zip(left_out["scene"].astype("str"), left_out["reason"].astype("str"), strict=True)
    lines = tuple(Row(category_title(scene), (Cell(reason),)) for scene, reason in rows)
    return Table("Scenes without a map", ("Scene", "Reason"), lines)


def select_map_scores(scores: MapScores, scene: str | None = None, size_class: str | None = None) -> pd.DataFrame:
    """Select rows of the score table.

    Args:
        scores: Of the maps.
        scene: A scene; all together by default.
        size_class: A class of size; all sizes by default.
    """
    table = scores.table
    of_scene = table["scene"].isna() if scene is None else (table["scene"] == scene).fillna(value=False)
    of_size = (
        table["size_class"].isna() if size_class is None else (table["size_class"] == size_class).fillna(value=False)
    )
    return table[of_scene & of_size]


def _cell(rows: pd.DataFrame, metric: str) -> Cell:
    figure = interval_of(rows, metric) or _NO_FIGURE
    if metric == "area_bias_share":
        return Cell(signed_percent(figure.value), signed_percent_range(figure))
    if metric == "area_bias_hectares":
        return Cell(hectares(figure.value, signed=True), hectares_range(figure, signed=True))
    return Cell(decimal(figure.value, 2), decimal_range(figure, 2))


def _share_cell(rows: pd.DataFrame, metric: str) -> Cell:
    figure = interval_of(rows, metric) or _NO_FIGURE
    return Cell(percent(figure.value), percent_range(figure))


def _counted(rows: pd.DataFrame, metric: str) -> Cell:
    return Cell(whole(int(rows.loc[rows["metric"] == metric, "objects"].sum())))


def _area(mines: pd.DataFrame) -> float:
    return float(mines["area_ha"].sum())


def _period(view: MapView) -> str:
    first, last = view.first_date, view.last_date
    if first is None or last is None:
        return ""
    return day(first) if first == last else f"{day(first)} to {day(last)}"
