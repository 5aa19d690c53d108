"""Pictures of maps show mines where they lie, in colours of their verdict or confidence."""

import dataclasses
import re

import numpy as np

from mining_the_mines.reporting.map_pictures import (
    CONFIDENCE_CLASSES,
    FOUND,
    OVERLOOKED,
    REVIEW,
    RIGHT,
    WRONG,
    DrawnMap,
    draw_map_picture,
    most_urgent,
)
from mining_the_mines.reporting.pictures import Stretch, css_colour
from support.report_maps import DRAWN, MAPPED, make_picture, make_scores, make_view, with_review
from support.scene_layers import make_mines, with_permits
from support.scored_maps import Square

STRETCH = Stretch(0.0, 0.3)
HIGH = css_colour(CONFIDENCE_CLASSES[0].colour)
TITLES = ["Low confidence", "Medium confidence", "High confidence"]
FOUR = ((0, 0, 5, 5), (10, 0, 9, 9), (20, 0, 4, 4), (30, 0, 3, 3))


def draw(mapped: tuple[Square, ...], drawn: tuple[Square, ...] | None, *, size: int = 100) -> DrawnMap:
    view = make_view(mapped=mapped)
    objects = None if drawn is None else make_scores(view, drawn=drawn).objects
    return draw_map_picture(view, make_picture(size=size), objects, STRETCH)


def path_of(drawn: DrawnMap, css: str) -> str:
    """Commands of the polygons of a colour."""
    found = re.search(rf'--stroke: {css}"><path d="([^"]*)"', drawn.drawing)
    return found.group(1) if found else ""


def corners(path: str) -> set[tuple[float, float]]:
    points = re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)
    return {(float(column), float(row)) for column, row in points}


def test_mine_is_drawn_where_it_lies() -> None:
    # A pixel of the picture is 20 m.
    drawn = draw(((200, 400, 300),), None)
    assert corners(path_of(drawn, HIGH)) == {(10, 20), (25, 20), (25, 35), (10, 35)}


def test_verdicts_have_their_styles() -> None:
    drawn = draw(MAPPED, DRAWN)
    assert drawn.styles == (FOUND, RIGHT, OVERLOOKED, WRONG)
    counts = {style: path_of(drawn, style.css).count("M") for style in drawn.styles}
    assert counts == {FOUND: 4, RIGHT: 4, OVERLOOKED: 1, WRONG: 1}


def test_colours_of_confidence() -> None:
    drawn = draw(MAPPED, None)
    assert [style.title for style in drawn.styles] == TITLES
    assert [path_of(drawn, style.css).count("M") for style in drawn.styles] == [1, 1, 3]


def test_mines_to_review_stand_out() -> None:
    view = make_view()
    drawn = draw_map_picture(dataclasses.replace(view, mines=with_review(view.mines)), make_picture(), None, STRETCH)
    assert [style.title for style in drawn.styles] == [*TITLES, REVIEW.title]
    assert path_of(drawn, REVIEW.css).count("M") == 1


def test_tiny_mine_is_a_ring() -> None:
    path = path_of(draw(((200, 400, 20),), None), HIGH)
    assert path == "M8.0 20.5a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0Z"


def test_scene_without_data() -> None:
    picture = dataclasses.replace(make_picture(), visible=np.full((3, 10, 20), np.nan, dtype=np.float32))
    drawn = draw_map_picture(make_view(mapped=()), picture, None, STRETCH)
    assert 'viewBox="0 0 20 10"' in drawn.drawing
    assert drawn.styles == ()


def test_urgency_with_permits() -> None:
    mines = with_permits(make_mines(boxes=FOUR, confidences=["high", "medium", "high", "low"]))
    assert (most_urgent(mines) + 1).tolist() == [4, 1, 3, 2]
