"""What deserves a look comes first, and classes can be told apart."""

import numpy as np

from mining_the_mines.reporting.confidence import CONFIDENCE_CLASSES, REVIEW_COLOUR, line_colours, look_first
from support.scene_layers import make_mines, with_permits

FOUR = ((0, 0, 5, 5), (10, 0, 9, 9), (20, 0, 4, 4), (30, 0, 3, 3))


def test_what_is_to_be_reviewed_comes_first_then_the_surest_then_the_largest() -> None:
    mines = with_permits(make_mines(boxes=FOUR, confidences=["high", "medium", "high", "low"]))
    assert (look_first(mines) + 1).tolist() == [4, 1, 3, 2]


def test_without_permits_the_surest_come_first() -> None:
    mines = make_mines(boxes=FOUR, confidences=["low", "medium", "high", "high"])
    assert (look_first(mines) + 1).tolist() == [3, 4, 2, 1]


def test_each_class_has_a_colour_and_review_has_its_own() -> None:
    colours = line_colours(with_permits(make_mines(confidences=["high", "low", "high"])))
    assert colours == [CONFIDENCE_CLASSES[0].colour, CONFIDENCE_CLASSES[2].colour, REVIEW_COLOUR]
    assert len({found.css for found in CONFIDENCE_CLASSES}) == 3


def test_no_mine_has_no_order_and_no_colour() -> None:
    mines = make_mines(boxes=[], confidences=[])
    assert look_first(mines).tolist() == []
    assert look_first(mines).dtype == np.int64
    assert line_colours(mines) == []
