"""On pictures of maps, mines lie where they are, in colours that tell right from wrong or sure from unsure."""

import dataclasses
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from mining_the_mines.reporting.map_pictures import (
    ASIDE,
    BY_CONFIDENCE,
    FOUND,
    OVERLOOKED,
    REVIEW,
    RIGHT,
    WRONG,
    DrawnMap,
    draw_map,
)
from mining_the_mines.reporting.pictures import Stretch
from support.report_maps import DRAWN, MAPPED, make_picture, make_scores, make_view, with_review
from support.scored_maps import Square

STRETCH = Stretch(0.0, 0.3)


def draw(mapped: tuple[Square, ...], drawn: tuple[Square, ...] | None, *, size: int = 100) -> DrawnMap:
    view = make_view(mapped=mapped)
    objects = None if drawn is None else make_scores(view, drawn=drawn).objects
    return draw_map(view, make_picture(size=size), objects, STRETCH)


def path_of(drawn: DrawnMap, css: str) -> str:
    """Commands of the outlines of a colour."""
    found = re.search(rf'--stroke: {css}"><path d="([^"]*)"', drawn.markup)
    return found.group(1) if found else ""


def corners(path: str) -> set[tuple[float, float]]:
    points = re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)
    return {(float(column), float(row)) for column, row in points}


def test_a_mine_is_drawn_where_it_lies() -> None:
    # A pixel of the picture is 20 m.
    drawn = draw(((200, 400, 300),), None)
    assert corners(path_of(drawn, BY_CONFIDENCE[-1].css)) == {(10, 20), (25, 20), (25, 35), (10, 35)}


def test_right_and_wrong_mines_and_those_found_and_missed_are_told_apart() -> None:
    drawn = draw(MAPPED, DRAWN)
    assert drawn.styles == (FOUND, RIGHT, OVERLOOKED, WRONG)
    counts = {style: path_of(drawn, style.css).count("M") for style in drawn.styles}
    assert counts == {FOUND: 4, RIGHT: 4, OVERLOOKED: 1, WRONG: 1}


def test_what_is_not_scored_is_drawn_as_such() -> None:
    drawn = draw(((1980, 0, 200),), ((1985, 500, 50), (0, 0, 200)))
    assert drawn.styles == (ASIDE, OVERLOOKED)
    assert path_of(drawn, ASIDE.css).count("M") == 2


def test_without_a_reference_colours_tell_confidence() -> None:
    drawn = draw(MAPPED, None)
    assert drawn.styles == BY_CONFIDENCE
    assert [path_of(drawn, style.css).count("M") for style in drawn.styles] == [1, 1, 3]


def test_what_is_to_be_reviewed_stands_out() -> None:
    view = make_view()
    drawn = draw_map(dataclasses.replace(view, mines=with_review(view.mines)), make_picture(), None, STRETCH)
    assert drawn.styles == (*BY_CONFIDENCE, REVIEW)
    assert path_of(drawn, REVIEW.css).count("M") == 1


def test_a_mine_of_a_pixel_is_a_ring_that_can_be_seen() -> None:
    path = path_of(draw(((200, 400, 20),), None), BY_CONFIDENCE[-1].css)
    assert path == "M8.0 20.5a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0Z"


def test_names_of_scenes_are_escaped() -> None:
    view = make_view('<b onclick="x">', ())
    drawn = draw_map(view, make_picture(), None, STRETCH)
    assert "<b" not in drawn.markup
    assert ET.fromstring(drawn.markup).attrib["viewBox"] == "0 0 100 100"  # noqa: S314 - our own


def test_the_photograph_fetches_nothing() -> None:
    drawn = draw(MAPPED, DRAWN)
    assert drawn.photograph.startswith("data:image/webp;base64,")
    assert re.findall(r'href="([^"]{0,23})', drawn.markup) == ["data:image/webp;base64,"]


def test_only_the_largest_of_very_many_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mining_the_mines.reporting.map_pictures.MOST_OUTLINES", 2)
    drawn = draw(MAPPED, None)
    assert drawn.undrawn == 3
    assert path_of(drawn, BY_CONFIDENCE[-1].css).count("M") == 1


def test_a_scene_without_data_is_drawn_too() -> None:
    picture = dataclasses.replace(make_picture(), visible=np.full((3, 10, 20), np.nan, dtype=np.float32))
    drawn = draw_map(make_view(mapped=()), picture, None, STRETCH)
    assert 'viewBox="0 0 20 10"' in drawn.markup
    assert drawn.styles == ()
