"""The part of the report on maps of whole scenes: its figures, tables and pictures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from mining_the_mines.reporting.formatting import (
    MISSING,
    category_title,
    count,
    hectares,
    metric_title,
    percent,
    period,
    sight,
    whole,
)
from mining_the_mines.reporting.galleries import Card
from mining_the_mines.reporting.map_pictures import MapView, PolygonStyle, draw_map_picture
from mining_the_mines.reporting.pictures import PIXELATED_BELOW, LegendEntry, stretch_for
from mining_the_mines.reporting.tables import (
    Cell,
    Row,
    Table,
    figure_cell,
    percent_cell,
    reason_table,
    score_rows,
    text_table,
)
from mining_the_mines.scoring.bootstrap import Interval
from mining_the_mines.scoring.map_matching import MapScoreSettings, size_class_titles, size_classes
from mining_the_mines.scoring.map_scores import MAP_METRICS, MapScores, select_map_scores
from mining_the_mines.scoring.tables import interval_of

#: Most maps that are shown as pictures.
_MOST_MAPS: Final = 6
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
        "mean_iou": "of reference mines with what fits best; 0 if missed",
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
        units: One row a concession, protected area or the ground outside: ``layer``, ``unit``, ``mines``,
            ``hectares``, ``hectares_to_review``, ``high_confidence_hectares``, ``largest_ha``; the most urgent first.
        left_out: Scenes without a map: ``scene``, ``reason``.
    """

    scenes: tuple[MapView, ...]
    scores: MapScores | None = None
    units: pd.DataFrame | None = None
    left_out: pd.DataFrame | None = None


class Area(NamedTuple):
    """A number of mines and their area in hectares."""

    mines: int
    hectares: float


@dataclass(frozen=True)
class MapComparisonSummary:
    """Figures of maps compared with a reference.

    Attributes:
        scores: Object recall, precision and F1, NaN where undefined, and totals, by name.
        settings: How maps and reference were compared.
        sites: Number of sites that the intervals are drawn from.
        set_aside: Number of objects that are neither right nor wrong.
        outside: Number of reference polygons outside the maps; 0 if unknown.
        unscored: Titles of scenes without a reference mine, which are left out of the scores.
    """

    scores: dict[str, Interval]
    settings: MapScoreSettings
    sites: int
    set_aside: int
    outside: int
    unscored: tuple[str, ...]


@dataclass(frozen=True)
class MapCard:
    """The picture of a map, and the figures of its caption."""

    card: Card
    mines: int
    hectares: float
    mapped_share: float
    undrawn: int


@dataclass(frozen=True)
class MapPart:
    """All that the page shows of maps; sentences stand in the templates.

    Attributes:
        seen: Titles of the scenes with data.
        square_kilometres: Mapped area of those.
        found: Mines of those.
        sure: Mines of high confidence.
        at_edge: Number of mines at the edge of a map or of missing data.
        review: Mines to review; ``None`` if permits are unknown.
        blank: Titles of the scenes without data.
        partly: Titles of the scenes seen in part, each with how much of it.
        without_mines: Titles of the scenes with data and without a mine.
        left_out_scenes: Number of scenes without a map.
        uncompared: Whether a comparison was asked for and nothing could be compared.
        has_reference: Whether reference polygons were given.
        comparison: Figures of the comparison with a reference, if there was one.
        legend: Colours of the polygons.
        cards: Pictures of scenes.
        scene_table: Mines by scene.
        size_table: Mines by size.
        left_out: Scenes without a map.
        score_table: Scores of all maps.
        size_score_table: Scores by size.
        scene_score_table: Scores by scene, if there are several.
        unit_table: Concessions and protected areas, the most urgent first.
        further_units: The rest of them.
    """

    seen: tuple[str, ...]
    square_kilometres: int
    found: Area
    sure: Area
    at_edge: int
    review: Area | None
    blank: tuple[str, ...]
    partly: tuple[tuple[str, str], ...]
    without_mines: tuple[str, ...]
    left_out_scenes: int
    uncompared: bool
    has_reference: bool
    comparison: MapComparisonSummary | None
    legend: tuple[LegendEntry, ...]
    cards: tuple[MapCard, ...]
    scene_table: Table | None
    size_table: Table | None
    left_out: Table | None
    score_table: Table | None
    size_score_table: Table | None
    scene_score_table: Table | None
    unit_table: Table | None
    further_units: Table | None


def arrange_maps(data: MapData) -> MapPart:
    """Draw the pictures and format the tables of maps.

    Args:
        data: Missing parts stay empty.
    """
    scores = data.scores
    compared = scores if scores is not None and scores.compared else None
    seen = [view for view in data.scenes if view.mapped_share]
    columns = ["area_ha", "confidence", "touches_edge"]
    mines = pd.concat([pd.DataFrame(columns=columns), *(view.mines.drop(columns="geometry") for view in data.scenes)])
    review = mines[mines["review"].astype("boolean").fillna(value=False)] if "review" in mines else None
    units = pd.DataFrame() if data.units is None else data.units
    left_out = pd.DataFrame(columns=["scene", "reason"]) if data.left_out is None else data.left_out
    cards, styles = map_gallery(data)
    return MapPart(
        seen=tuple(category_title(view.scene) for view in seen),
        square_kilometres=round(sum(view.mapped_hectares for view in seen) / _HECTARES_A_SQUARE_KILOMETRE),
        found=_area(mines),
        sure=_area(mines[mines["confidence"] == "high"]),
        at_edge=int(mines["touches_edge"].sum()),
        review=None if review is None else _area(review),
        blank=tuple(category_title(view.scene) for view in data.scenes if not view.mapped_share),
        partly=tuple((category_title(view.scene), text) for view in seen if (text := sight(view.mapped_share))),
        without_mines=tuple(category_title(view.scene) for view in seen if view.mines.empty),
        left_out_scenes=len(left_out),
        uncompared=scores is not None and not scores.compared,
        has_reference=scores is not None and not scores.table.empty,
        comparison=None if compared is None else _summarise(compared),
        legend=tuple(LegendEntry(style.title, style.css) for style in styles),
        cards=cards,
        scene_table=_scene_table(data.scenes),
        size_table=_size_table(mines["area_ha"], MapScoreSettings() if scores is None else scores.settings),
        left_out=reason_table(
            left_out.assign(scene=left_out["scene"].map(category_title)), "scene", "Scenes without a map", "Scene"
        ),
        score_table=None if compared is None else _score_table(compared),
        size_score_table=None if compared is None else _size_score_table(compared),
        scene_score_table=None if compared is None else _scene_score_table(compared),
        unit_table=_unit_table(units.head(_FIRST_UNITS), "Areas, and the ground outside"),
        further_units=_unit_table(units.iloc[_FIRST_UNITS:], "Further areas"),
    )


def _area(mines: pd.DataFrame) -> Area:
    return Area(len(mines), float(mines["area_ha"].sum()))


def _summarise(scores: MapScores) -> MapComparisonSummary:
    rows = select_map_scores(scores.table)
    figures = {str(name): interval_of(rows, str(name)) for name in rows["metric"]}
    found = {name: figure for name, figure in figures.items() if figure is not None}
    aside = found["references_set_aside"].value + found["predictions_set_aside"].value
    outside = found["references_outside"].value
    return MapComparisonSummary(
        scores=found,
        settings=scores.settings,
        sites=int(rows["sites"].iloc[0]),
        set_aside=int(aside),
        outside=0 if math.isnan(outside) else int(outside),
        unscored=tuple(category_title(scene) for scene in scores.unscored),
    )


def _scene_table(scenes: Sequence[MapView]) -> Table | None:
    with_review = any("review" in view.mines for view in scenes)
    heads = ("", "Mines", "Area", "High confidence", *(("To review",) if with_review else ()), "Mapped")
    lines = []
    for view in scenes:
        mines, sure = _area(view.mines), _area(view.mines[view.mines["confidence"] == "high"])
        cells = [
            Cell(whole(mines.mines)),
            Cell(hectares(mines.hectares)),
            Cell(whole(sure.mines), hectares(sure.hectares)),
        ]
        if with_review:
            cells.append(Cell(whole(int(view.mines["review"].sum())) if "review" in view.mines else MISSING))
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
    lines = score_rows({"": rows}, MAP_METRICS, _NOTES, digits=2)
    total = rows.drop_duplicates("metric").set_index("metric")["value"]
    for name, number, area in (
        ("Reference", "references", "reference_hectares"),
        ("Mapped", "predictions", "predicted_hectares"),
    ):
        lines.append(Row(name, (Cell(count(int(total[number]), "mine"), hectares(float(total[area]))),)))
    lines.append(Row("In common", (Cell(hectares(float(total["common_hectares"]))),)))
    return Table("All that was scored", ("", ""), tuple(lines))


def _scene_score_table(scores: MapScores) -> Table | None:
    """Scores by scene; ``None`` for a single scene, whose scores are those of all."""
    scenes = list(scores.table["scene"].dropna().unique())
    if len(scenes) < 2:
        return None
    lines = []
    for scene in scenes:
        rows = select_map_scores(scores.table, scene)
        note = "no reference mine: not scored" if scene in scores.unscored else ""
        lines.append(((category_title(scene), note), *(figure_cell(rows, metric, 2) for metric in _SCENE_METRICS)))
    return text_table("Scene by scene", ("", *(metric_title(metric) for metric in _SCENE_METRICS)), lines)


def _size_score_table(scores: MapScores) -> Table | None:
    lines = []
    for title in size_class_titles(scores.settings.size_classes_ha):
        rows = select_map_scores(scores.table, size_class=title)
        objects = rows.groupby("metric")["objects"].sum()
        share = {metric: percent_cell(interval_of(rows, metric)) for metric in rows["metric"]}
        lines.append(
            (
                title,
                whole(int(objects["object_recall"])),
                share["object_recall"],
                share["touch_recall"],
                whole(int(objects["object_precision"])),
                share["object_precision"],
            )
        )
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


def map_gallery(data: MapData) -> tuple[tuple[MapCard, ...], tuple[PolygonStyle, ...]]:
    """Show maps in one contrast, each scene beside its polygons.

    Args:
        data: Some of its scenes have a picture; the first 6 of them are shown.

    Returns:
        The cards, and the styles of polygons that occur.
    """
    pictured = [(view, view.picture) for view in data.scenes if view.picture is not None][:_MOST_MAPS]
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
        area = float(view.mines["area_ha"].sum())
        cards.append(MapCard(card, len(view.mines), area, view.mapped_share, drawn.undrawn))
    return tuple(cards), tuple(styles)
