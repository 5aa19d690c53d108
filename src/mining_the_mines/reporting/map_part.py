"""The part of the report on maps of whole scenes: its figures, tables and pictures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from mining_the_mines.reporting.formatting import (
    MISSING,
    category_title,
    count,
    figure_texts,
    hectares,
    metric_title,
    percent,
    period,
    share_texts,
    sight,
    whole,
)
from mining_the_mines.reporting.galleries import Card
from mining_the_mines.reporting.map_pictures import MapView, PolygonStyle, draw_map_picture
from mining_the_mines.reporting.pictures import PIXELATED_BELOW, LegendEntry, stretch_for
from mining_the_mines.reporting.tables import Cell, Row, Table, reason_table, score_rows, text_table
from mining_the_mines.scoring.bootstrap import UNDEFINED
from mining_the_mines.scoring.map_matching import MapScoreSettings, size_class_titles, size_classes
from mining_the_mines.scoring.map_scores import MAP_METRICS, MapScores, select_map_scores
from mining_the_mines.scoring.tables import intervals_of

#: Units that are listed at once; the others can be unfolded.
_FIRST_UNITS: Final = 12
_HECTARES_A_SQUARE_KILOMETRE: Final = 100.0
_NOTES: Final = MappingProxyType(
    {
        "object_f1": "precision and recall in one figure",
        "object_precision": "mapped mines that are a reference mine",
        "object_recall": "reference mines that are mapped",
        "touch_f1": "the same, where any common ground is enough",
        "touch_precision": "mapped mines that touch a reference mine",
        "touch_recall": "reference mines that are touched",
        "mean_iou": "of reference mines with their best fit; 0 if missed",
        "area_iou": "all hectares together: large mines count for more",
        "area_bias_hectares": "mapped − reference",
        "area_bias_share": "of the reference area",
    }
)
_SCENE_METRICS: Final = ("object_f1", "object_precision", "object_recall", "area_iou", "area_bias_share")


@dataclass(frozen=True, eq=False)
class MapData:
    """Report data of the maps of whole scenes.

    Attributes:
        scenes: The maps; none if all scenes were left out.
        scores: Against reference polygons, if there are any.
        units: One row per concession, protected area or the ground outside: ``layer``, ``unit``, ``mines``,
            ``hectares``, ``hectares_to_review``, ``high_confidence_hectares``, ``largest_ha``; the most urgent first.
        left_out: Scenes without a map: ``scene``, ``reason``.
    """

    scenes: tuple[MapView, ...]
    scores: MapScores | None = None
    units: pd.DataFrame | None = None
    left_out: pd.DataFrame | None = None


def arrange_maps(data: MapData) -> dict[str, Any]:
    """Draw the pictures and format the tables of maps; sentences stand in the templates.

    Args:
        data: Missing parts stay empty.

    Returns:
        Values of the templates. Titles of scenes: ``seen`` and ``blank`` (with and without data), ``partly`` (each
        with how much of it was seen), ``without_mines``. ``square_kilometres`` mapped, and numbers with hectares of
        mines: ``found``, ``sure`` (of high confidence), ``review`` (``None`` if permits are unknown); ``at_edge``, the
        number of mines at the edge of a map or of missing data; ``left_out_scenes``, the number of scenes without a
        map. ``unlike``, titles of scenes with ground that is unlike anything that the model has learnt from, each
        with its share. ``uncompared`` and ``has_reference``: whether nothing could be compared, and whether reference
        polygons were given. ``comparison``, figures of the comparison with a reference, with its tables
        ``score_table``, ``size_score_table`` and ``scene_score_table``, each ``None`` without it. ``legend`` and
        ``cards`` of the pictures, and the tables ``scene_table``, ``size_table``, ``left_out``, ``unit_table`` and
        ``further_units``.
    """
    scores = data.scores
    compared = scores if scores is not None and scores.compared else None
    seen = [view for view in data.scenes if view.mapped_share]
    columns = ["area_ha", "confidence", "touches_edge"]
    mines = pd.concat([pd.DataFrame(columns=columns), *(view.mines.drop(columns="geometry") for view in data.scenes)])
    review = mines[mines["review"].astype("boolean").fillna(value=False)] if "review" in mines else None
    units = pd.DataFrame() if data.units is None else data.units
    left_out = pd.DataFrame(columns=["scene", "reason"]) if data.left_out is None else data.left_out
    cards, styles = _cards(data)
    return {
        "seen": [category_title(view.scene) for view in seen],
        "square_kilometres": round(sum(view.mapped_hectares for view in seen) / _HECTARES_A_SQUARE_KILOMETRE),
        "found": _total(mines),
        "sure": _total(mines[mines["confidence"] == "high"]),
        "at_edge": int(mines["touches_edge"].sum()),
        "review": None if review is None else _total(review),
        "blank": [category_title(view.scene) for view in data.scenes if not view.mapped_share],
        "partly": [(category_title(view.scene), text) for view in seen if (text := sight(view.mapped_share))],
        "unlike": [(category_title(view.scene), percent(view.unlike_share)) for view in seen if view.unlike_share],
        "without_mines": [category_title(view.scene) for view in seen if view.mines.empty],
        "left_out_scenes": len(left_out),
        "uncompared": scores is not None and not scores.compared,
        "has_reference": scores is not None and not scores.table.empty,
        "comparison": compared and _summarise(compared),
        "legend": [LegendEntry(style.title, style.css) for style in styles],
        "cards": cards,
        "scene_table": _scene_table(data.scenes),
        "size_table": _size_table(mines["area_ha"], MapScoreSettings() if scores is None else scores.settings),
        "left_out": reason_table(
            left_out.assign(scene=left_out["scene"].map(category_title)), "scene", "Scenes without a map", "Scene"
        ),
        "score_table": compared and _score_table(compared),
        "size_score_table": compared and _size_score_table(compared),
        "scene_score_table": compared and _scene_score_table(compared),
        "unit_table": _unit_table(units.head(_FIRST_UNITS), "Areas, and the ground outside"),
        "further_units": _unit_table(units.iloc[_FIRST_UNITS:], "Further areas"),
    }


def _total(mines: pd.DataFrame) -> dict[str, Any]:
    return {"mines": len(mines), "hectares": float(mines["area_ha"].sum())}


def _summarise(scores: MapScores) -> dict[str, Any]:
    """Gather the figures of the comparison with a reference.

    Returns:
        ``scores`` by name and ``settings``; numbers of ``sites``, of objects ``set_aside`` and of reference polygons
        ``outside`` the maps (0 if unknown); ``unscored``, titles of scenes without a reference mine.
    """
    rows = select_map_scores(scores.table)
    found = intervals_of(rows)
    outside = found["references_outside"].value
    return {
        "scores": found,
        "settings": scores.settings,
        "sites": int(rows["sites"].iloc[0]),
        "set_aside": int(found["references_set_aside"].value + found["predictions_set_aside"].value),
        "outside": 0 if math.isnan(outside) else int(outside),
        "unscored": [category_title(scene) for scene in scores.unscored],
    }


def _cards(data: MapData) -> tuple[list[dict[str, Any]], tuple[PolygonStyle, ...]]:
    """Show maps in one contrast, each scene beside its polygons, with the figures of its caption; styles that occur."""
    pictured = [(view, view.picture) for view in data.scenes if view.picture is not None]
    stretch = stretch_for(picture.visible for _, picture in pictured)
    cards, styles = [], dict[PolygonStyle, None]()
    for view, picture in pictured:
        objects = None
        if data.scores is not None and view.scene not in data.scores.unscored:
            objects = data.scores.objects[data.scores.objects["scene"] == view.scene]
        drawn = draw_map_picture(view, picture, objects, stretch)
        styles |= dict.fromkeys(drawn.styles)
        name = category_title(view.scene)
        card = Card(
            name=name,
            picture=drawn.photograph,
            description=f"{name} in true colour",
            drawing=drawn.drawing,
            pixelated=max(picture.visible.shape[1:]) < PIXELATED_BELOW,
        )
        cards.append({"card": card, **_total(view.mines), "mapped_share": view.mapped_share, "undrawn": drawn.undrawn})
    return cards, tuple(styles)


def _scene_table(scenes: Sequence[MapView]) -> Table | None:
    with_review = any("review" in view.mines for view in scenes)
    with_novelty = any(view.unlike_share is not None for view in scenes)
    heads = (
        "", "Mines", "Area", "High confidence", *(("To review",) if with_review else ()),
        *(("Unlike training",) if with_novelty else ()), "Mapped",
    )  # fmt: skip
    lines = []
    for view in scenes:
        mines, sure = view.mines, view.mines[view.mines["confidence"] == "high"]
        cells = [
            Cell(whole(len(mines))),
            Cell(hectares(mines["area_ha"].sum())),
            Cell(whole(len(sure)), hectares(sure["area_ha"].sum())),
        ]
        if with_review:
            cells.append(Cell(whole(int(mines["review"].sum())) if "review" in mines else MISSING))
        if with_novelty:
            cells.append(Cell(MISSING if view.unlike_share is None else percent(view.unlike_share)))
        if not view.mapped_share:
            cells = [Cell(MISSING)] * len(cells)
        name = (category_title(view.scene), period(view.first_date, view.last_date))
        lines.append((name, *cells, Cell(hectares(view.mapped_hectares), sight(view.mapped_share))))
    return text_table("Mines found", heads, lines)


def _size_table(areas: pd.Series, settings: MapScoreSettings) -> Table | None:
    values = areas.to_numpy(dtype=np.float64)
    if not len(values):
        return None
    classes = size_classes(values, settings.size_classes_ha)
    members = {title: values[classes == title] for title in size_class_titles(settings.size_classes_ha)}
    lines = [
        (title, whole(len(of)), hectares(float(of.sum())), percent(float(of.sum() / values.sum())))
        for title, of in members.items()
    ]
    return text_table("Mapped mines by size", ("", "Mines", "Area", "Share"), lines)


def _score_table(scores: MapScores) -> Table:
    rows = select_map_scores(scores.table)
    total = {metric: figure.value for metric, figure in intervals_of(rows).items()}
    sides = (("Reference", "references", "reference_hectares"), ("Mapped", "predictions", "predicted_hectares"))
    lines = [
        *score_rows({"": rows}, MAP_METRICS, _NOTES, digits=2),
        *(Row(name, (Cell(count(int(total[number]), "mine"), hectares(total[area])),)) for name, number, area in sides),
        Row("In common", (Cell(hectares(total["common_hectares"])),)),
    ]
    return Table("All that was scored", ("", ""), tuple(lines))


def _scene_score_table(scores: MapScores) -> Table | None:
    """Scores by scene; ``None`` for a single scene, whose scores are those of all."""
    scenes = list(scores.table["scene"].dropna().unique())
    if len(scenes) < 2:
        return None
    lines = []
    for scene in scenes:
        found = intervals_of(select_map_scores(scores.table, scene))
        note = "no reference mine: not scored" if scene in scores.unscored else ""
        cells = (Cell(*figure_texts(metric, found.get(metric, UNDEFINED), 2)) for metric in _SCENE_METRICS)
        lines.append(((category_title(scene), note), *cells))
    return text_table("Scene by scene", ("", *map(metric_title, _SCENE_METRICS)), lines)


def _size_score_table(scores: MapScores) -> Table | None:
    lines = []
    for title in size_class_titles(scores.settings.size_classes_ha):
        rows = select_map_scores(scores.table, size_class=title)
        objects = rows.groupby("metric")["objects"].sum()
        share = {metric: Cell(*share_texts(figure)) for metric, figure in intervals_of(rows).items()}
        reference = (whole(int(objects["object_recall"])), share["object_recall"], share["touch_recall"])
        lines.append((title, *reference, whole(int(objects["object_precision"])), share["object_precision"]))
    heads = ("", "Reference mines", "mapped as such", "touched", "Mapped mines", "right")
    return text_table("By size", heads, lines)


def _unit_table(units: pd.DataFrame, caption: str) -> Table | None:
    if units.empty:
        return None
    columns = ["layer", "unit", "mines", "hectares", "hectares_to_review", "high_confidence_hectares", "largest_ha"]
    lines = [
        ((str(unit), category_title(layer)), whole(int(mines)), *(hectares(float(area)) for area in areas))
        for layer, unit, mines, *areas in units[columns].itertuples(index=False, name=None)
    ]
    return text_table(caption, ("", "Mines", "Area", "To review", "High confidence", "Largest"), lines)
