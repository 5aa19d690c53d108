"""The report's part on maps of whole scenes: what was found, how well that fits a reference, and where it lies."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
from markupsafe import Markup

from mining_the_mines.reporting.classification_summary import FEW_PLACES, interval_of, with_range
from mining_the_mines.reporting.composite_part import LegendEntry
from mining_the_mines.reporting.formatting import category_title, count, decimal, hectares, sight, whole
from mining_the_mines.reporting.map_pictures import DrawnMap, draw_map
from mining_the_mines.reporting.map_tables import (
    left_out_scene_rows,
    map_score_rows,
    scene_rows,
    scene_score_rows,
    select_map_scores,
    size_rows,
    size_score_rows,
    unit_rows,
)
from mining_the_mines.reporting.pictures import Stretch, stretch_for
from mining_the_mines.reporting.report_data import MapData, MapPicture, MapView
from mining_the_mines.reporting.tables import Table
from mining_the_mines.scoring.bootstrap import Interval
from mining_the_mines.scoring.map_matching import MapScoreSettings
from mining_the_mines.scoring.map_scores import MapScores

#: Pictures of a report that must stay fit to be sent by mail.
_MOST_PICTURES: Final = 6
#: Units that are listed at once; the rest can be unfolded.
_FIRST_UNITS: Final = 12
#: Smaller pictures are enlarged without smoothing: invented sharpness would mislead.
_PIXEL_ART_BELOW: Final = 200
_SQUARE_KILOMETRE: Final = 100.0


@dataclass(frozen=True)
class MapCard:
    """A scene's pictures and the words under them."""

    scene: str
    details: str
    photograph: str
    drawing: Markup
    pixelated: bool


@dataclass(frozen=True)
class MapPart:
    """All that the page says about maps, ready to be written out.

    Attributes:
        answer: The one sentence that stands first on the page.
        lead: What was mapped, and what was found.
        sentences: What a reader must know of it.
        legend: What the colours of the outlines mean.
        cards: Pictures of scenes.
        scene_table: What was found, scene by scene.
        size_table: The same by size, where there is no reference.
        left_out: Scenes without a map.
        score_sentences: How maps were compared with the reference.
        score_table: Scores of all maps.
        size_score_table: Scores by size.
        scene_score_table: Scores scene by scene, where there are several.
        unit_table: Concessions and protected areas, what deserves a look first on top.
        further_units: The rest of them.
    """

    answer: str
    lead: str
    sentences: tuple[str, ...]
    legend: tuple[LegendEntry, ...]
    cards: tuple[MapCard, ...]
    scene_table: Table | None
    size_table: Table | None
    left_out: Table | None
    score_sentences: tuple[str, ...]
    score_table: Table | None
    size_score_table: Table | None
    scene_score_table: Table | None
    unit_table: Table | None
    further_units: Table | None


def arrange_maps(contents: MapData) -> MapPart:
    """Put what is known of maps into words, tables and pictures.

    Args:
        contents: What the report shows of them; parts that are missing stay empty.
    """
    scores = contents.scores
    units = contents.units if contents.units is not None else pd.DataFrame()
    drawn = _drawings(contents)
    styles = dict.fromkeys(style for _, _, drawing in drawn for style in drawing.styles)
    settings = MapScoreSettings() if scores is None else scores.settings
    compared = scores if scores is not None and scores.compared else None
    return MapPart(
        answer=_answer(contents),
        lead=_lead(contents.scenes),
        sentences=_sentences(contents),
        legend=tuple(LegendEntry(style.title, style.css) for style in styles),
        cards=tuple(_card(view, picture, drawing) for view, picture, drawing in drawn),
        scene_table=scene_rows(contents.scenes),
        size_table=size_rows(contents.scenes, settings),
        left_out=left_out_scene_rows(contents.left_out),
        score_sentences=() if compared is None else _score_sentences(compared),
        score_table=None if compared is None else map_score_rows(compared),
        size_score_table=None if compared is None else size_score_rows(compared),
        scene_score_table=None if compared is None else scene_score_rows(compared),
        unit_table=unit_rows(units.head(_FIRST_UNITS), "Areas, and what lies outside"),
        further_units=unit_rows(units.iloc[_FIRST_UNITS:], "Further areas"),
    )


def _drawings(contents: MapData) -> list[tuple[MapView, MapPicture, DrawnMap]]:
    pictured = [(view, view.picture) for view in contents.scenes if view.picture is not None][:_MOST_PICTURES]
    # One contrast for all, so that scenes can be compared.
    stretch = stretch_for(picture.visible for _, picture in pictured) if pictured else Stretch(0, 1)
    drawings = []
    for view, picture in pictured:
        objects = None
        if contents.scores is not None and view.scene not in contents.scores.unscored:
            objects = contents.scores.objects
            objects = objects[objects["scene"] == view.scene]
        drawings.append((view, picture, draw_map(view, picture, objects, stretch)))
    return drawings


def _card(view: MapView, picture: MapPicture, drawing: DrawnMap) -> MapCard:
    details = _found(view.mines) if view.mapped_share else ""
    details = "; ".join(words for words in (details, sight(view.mapped_share)) if words)
    if drawing.undrawn:
        details += f"; the {whole(drawing.undrawn)} smallest outlines are not drawn"
    pixelated = max(picture.visible.shape[1:]) < _PIXEL_ART_BELOW
    return MapCard(category_title(view.scene), details, drawing.photograph, drawing.markup, pixelated)


def _answer(contents: MapData) -> str:
    scores = contents.scores
    if scores is None or not scores.compared:
        return _lead(contents.scenes)
    rows = select_map_scores(scores)
    recall, precision, f1 = (interval_of(rows, f"object_{name}") for name in ("recall", "precision", "f1"))
    if recall is None or precision is None or f1 is None or math.isnan(recall.value):
        return f"{_lead(contents.scenes)} There is no reference mine to score that against."
    if math.isnan(precision.value):
        number = interval_of(rows, "references") or Interval(0, 0, 0)
        return f"{_lead(contents.scenes)} {count(int(number.value), 'reference mine')} should have been found."
    return (
        f"On {_where(_seen(contents.scenes))}, {with_range(recall)} of the reference mines are found and outlined, and "
        f"{with_range(precision)} of the mapped mines are reference mines (F1 {decimal(f1.value, 2)})."
    )


def _lead(scenes: Sequence[MapView]) -> str:
    if not scenes:
        return "No scene was mapped."
    seen = _seen(scenes)
    if not seen:
        return _blank(scenes)
    mines = pd.concat([view.mines.drop(columns="geometry") for view in seen], ignore_index=True)
    mapped = sum(view.mapped_hectares for view in seen)
    square_kilometres = count(round(mapped / _SQUARE_KILOMETRE), "km²", "km²")
    verb = "covers" if len(seen) == 1 else "cover"
    return f"On {_where(seen)}, which {verb} {square_kilometres}, {_found(mines)}."


def _seen(scenes: Sequence[MapView]) -> list[MapView]:
    return [view for view in scenes if view.mapped_share]


def _where(scenes: Sequence[MapView]) -> str:
    return f"the map of {category_title(scenes[0].scene)}" if len(scenes) == 1 else count(len(scenes), "map")


def _blank(scenes: Sequence[MapView]) -> str:
    blank = [category_title(view.scene) for view in scenes if not view.mapped_share]
    return f"Nothing could be seen in {', '.join(blank)}: no pixel has data." if blank else ""


def _partly(scenes: Sequence[MapView]) -> str:
    partly = [
        f"{category_title(view.scene)} ({words})" for view in _seen(scenes) if (words := sight(view.mapped_share))
    ]
    if not partly:
        return ""
    return f"What lies where there are no data is not known: {', '.join(partly)}."


def _found(mines: pd.DataFrame) -> str:
    if mines.empty:
        return "no mine was found"
    verb = "was" if len(mines) == 1 else "were"
    return f"{count(len(mines), 'mine')} of {hectares(float(mines['area_ha'].sum()))} {verb} found"


def _sentences(contents: MapData) -> tuple[str, ...]:
    scenes = contents.scenes
    sentences = []
    if scenes:
        mines = pd.concat([view.mines.drop(columns="geometry") for view in scenes], ignore_index=True)
        sentences += [_sure(mines), _edge(mines), _review(mines)]
        sentences += [_blank(scenes) if _seen(scenes) else "", _partly(scenes)]
        empty = [category_title(view.scene) for view in _seen(scenes) if view.mines.empty]
        if empty and len(scenes) > 1:
            sentences.append(f"Without any mine: {', '.join(empty)}.")
        if contents.scores is not None and not contents.scores.compared:
            sentences.append(_uncompared(contents.scores))
    left_out = 0 if contents.left_out is None else len(contents.left_out)
    if left_out:
        sentences.append(f"{count(left_out, 'scene')} could not be mapped; the reasons are listed below.")
    return tuple(sentence for sentence in sentences if sentence)


def _uncompared(scores: MapScores) -> str:
    nothing = "Nothing was compared with mines that people have drawn, so that nobody can tell how much of it is right"
    return f"{nothing}." if scores.table.empty else f"{nothing}: none of those that are known lies here."


def _sure(mines: pd.DataFrame) -> str:
    if mines.empty:
        return ""
    sure = mines[mines["confidence"] == "high"]
    if sure.empty:
        return "None of them was found with high confidence."
    return f"With high confidence: {count(len(sure), 'mine')} of {hectares(float(sure['area_ha'].sum()))}."


def _edge(mines: pd.DataFrame) -> str:
    cut = int(mines["touches_edge"].sum())
    if not cut:
        return ""
    verb = "reaches" if cut == 1 else "reach"
    return f"{count(cut, 'mine')} {verb} the edge of a map or of missing data, and may go on beyond it."


def _review(mines: pd.DataFrame) -> str:
    if "review" not in mines or mines.empty:
        return ""
    chosen = mines[mines["review"].astype("boolean").fillna(value=False)]
    if chosen.empty:
        return "No mine lies in a protected area or outside of what is conceded."
    verb = "lies" if len(chosen) == 1 else "lie"
    return (
        f"{count(len(chosen), 'mine')} of {hectares(float(chosen['area_ha'].sum()))} {verb} in a protected area or "
        "outside of what is conceded, at least in part: to be reviewed."
    )


def _score_sentences(scores: MapScores) -> tuple[str, ...]:
    rows = select_map_scores(scores)
    settings = scores.settings
    sites = int(rows["sites"].iloc[0])
    same = (
        f"A mapped mine and a reference mine are the same one if they overlap by an IoU of {settings.iou:g} or more, "
        "each with one partner at most. Two touch if they share any ground."
    )
    objects = (
        f"Reference polygons no more than {settings.join_metres:g} m apart are one mine, and parts that lie farther "
        "apart are several, since no map can tell otherwise. Areas are those of the polygons, on the ellipsoid."
    )
    few = f"There are only {count(sites, 'site')}: expect the intervals to be too narrow."
    sentences = (
        same,
        objects,
        _set_aside(rows, settings),
        _outside(rows),
        _unscored(scores),
        few if 0 < sites < FEW_PLACES else "",
    )
    return tuple(sentence for sentence in sentences if sentence)


def _set_aside(rows: pd.DataFrame, settings: MapScoreSettings) -> str:
    aside = sum(_total(rows, f"{side}_set_aside") for side in ("references", "predictions"))
    if not aside:
        return ""
    verb = "is" if aside == 1 else "are"
    return (
        f"{count(aside, 'object')} {verb} neither right nor wrong, because less than {settings.inside_share:.0%} of it "
        "lies where the map has data, or it touches such ones only."
    )


def _outside(rows: pd.DataFrame) -> str:
    outside = _total(rows, "references_outside")
    if not outside:
        return ""
    verb = "lies" if outside == 1 else "lie"
    return f"{count(outside, 'reference polygon')} {verb} outside of what was mapped."


def _unscored(scores: MapScores) -> str:
    if not scores.unscored:
        return ""
    names = ", ".join(category_title(scene) for scene in scores.unscored)
    verb = "it is" if len(scores.unscored) == 1 else "they are"
    return (
        f"No reference mine lies in {names}: {verb} left out of the scores, since nobody may have looked there. Where "
        "it is known that there are none, say so with the setting without_reference."
    )


def _total(rows: pd.DataFrame, name: str) -> int:
    found = interval_of(rows, name)
    return 0 if found is None or math.isnan(found.value) else int(found.value)
