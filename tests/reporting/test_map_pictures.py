"""Pictures of maps show mines where they lie, in colours of their verdict or confidence."""

import dataclasses
import io
import re
from base64 import b64decode

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from rasterio.crs import CRS

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.reporting.map_pictures import (
    CONFIDENCE_CLASSES,
    FOUND,
    OVERLOOKED,
    REVIEW,
    REVIEW_COLOUR,
    RIGHT,
    WRONG,
    DrawnMap,
    draw_map_picture,
    draw_quicklook,
    draw_thumbnail,
    most_urgent,
    surroundings_of,
)
from mining_the_mines.reporting.pictures import Colour, Stretch, css_colour
from support.report_maps import DRAWN, MAPPED, make_picture, make_scores, make_view, with_review
from support.scene_layers import GRID, make_mines, with_permits
from support.scored_maps import Square

STRETCH = Stretch(0.0, 0.3)
HIGH = css_colour(CONFIDENCE_CLASSES[0].colour)
TITLES = ["Low confidence", "Medium confidence", "High confidence"]
GREY = np.full((3, 96, 96), 0.1, dtype=np.float32)
DEGREES = ChipGrid(CRS.from_epsg(4326), Affine(1e-4, 0, 15.0, 0, -1e-4, 60.0), 96, 96)
FEET = ChipGrid(CRS.from_epsg(2264), Affine(30, 0, 1_500_000, 0, -30, 600_000), 96, 96)
FOUR = ((0, 0, 5, 5), (10, 0, 9, 9), (20, 0, 4, 4), (30, 0, 3, 3))


def decoded(picture: bytes) -> NDArray[np.int64]:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(np.int64)


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


def near(pixels: NDArray[np.int64], colour: Colour) -> NDArray[np.bool_]:
    close: NDArray[np.bool_] = np.abs(pixels - np.array(colour)).max(axis=-1) < 60
    return close


def test_quicklook_draws_confidence() -> None:
    pixels = decoded(draw_quicklook(GREY, GRID.transform, GRID.crs, make_mines()))
    times = pixels.shape[1] // 96
    for (column, row, width, height), rank in zip(((10, 12, 20, 15), (50, 20, 12, 12)), (1, 0), strict=True):
        found = np.argwhere(near(pixels[: 96 * times], CONFIDENCE_CLASSES[rank].colour))
        assert found.min(axis=0) / times == pytest.approx((row, column), abs=0.5)
        assert found.max(axis=0) / times == pytest.approx((row + height, column + width), abs=0.5)


def test_quicklook_draws_mines_to_review_in_red() -> None:
    pixels = decoded(draw_quicklook(GREY, GRID.transform, GRID.crs, with_permits(make_mines())))
    times = pixels.shape[1] // 96
    found = np.argwhere(near(pixels[: 96 * times], REVIEW_COLOUR))
    assert found.mean(axis=0) / times == pytest.approx((63, 34), abs=1)


def test_surroundings_in_degrees_and_feet() -> None:
    (left, bottom, right, top), metres = surroundings_of(make_mines(DEGREES).geometry[2], DEGREES)
    assert metres == pytest.approx(600)
    assert (right - left) / (top - bottom) == pytest.approx(2, rel=1e-3)
    (left, _, right, _), metres = surroundings_of(make_mines(FEET).geometry[2], FEET)
    assert right - left == pytest.approx(600 / 0.3048, rel=1e-3)
    assert metres == pytest.approx(600)


def test_thumbnail_draws_the_polygon() -> None:
    mine = make_mines().geometry[1]
    box, _ = surroundings_of(mine, GRID)
    grey = np.full((3, 60, 60), 0.1, dtype=np.float32)
    pixels = decoded(
        b64decode(draw_thumbnail(grey, box, mine, (255, 255, 255), Stretch(0.0, 0.2), 240).partition(",")[2])
    )
    assert pixels.shape == (240, 240, 3)
    bright = np.argwhere(pixels.min(axis=-1) > 190)
    # The mine is 120 of 600 m, so 48 of 240 pixels, in the middle.
    assert bright.min(axis=0) == pytest.approx((96, 96), abs=2)
    assert bright.max(axis=0) == pytest.approx((143, 143), abs=2)
    assert pixels[120, 120].tolist() == pytest.approx([128, 128, 128], abs=6)


def test_urgency_with_permits() -> None:
    mines = with_permits(make_mines(boxes=FOUR, confidences=["high", "medium", "high", "low"]))
    assert (most_urgent(mines) + 1).tolist() == [4, 1, 3, 2]
