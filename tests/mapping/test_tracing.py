"""Outlines are valid, turn where the pixels do, and look the same however they came about."""

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mining_the_mines.geo.mine_polygons import Geometries
from mining_the_mines.mapping.runs import Runs, gaps_between, join_touching, label_runs
from mining_the_mines.mapping.tracing import trace_runs

MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=12))


def runs_of(mask: npt.NDArray[np.bool_]) -> Runs:
    """Each pixel as a run, joined to those beside it."""
    row, column = np.nonzero(mask)
    return join_touching(Runs(row, column, column + 1))[0]


def traced(*rows: str, connectivity: int = 8) -> Geometries:
    """Outlines of a drawing, in pixels, rows counted downward."""
    runs = runs_of(np.array([[letter == "#" for letter in row] for row in rows]))
    return trace_runs(runs, label_runs(runs, connectivity), Affine.scale(1, -1))


@given(MASKS, st.sampled_from([4, 8]))
@settings(deadline=None)
def test_outlines_are_valid_and_enclose_their_pixels(mask: npt.NDArray[np.bool_], connectivity: int) -> None:
    runs = runs_of(mask)
    labels = label_runs(runs, connectivity)
    outlines = trace_runs(runs, labels, Affine.identity())
    assert shapely.is_valid(outlines).all()
    assert np.array_equal(shapely.area(outlines), np.bincount(labels, runs.pixels) if len(runs) else [])
    lattice = shapely.get_coordinates(outlines)
    assert np.array_equal(lattice, np.rint(lattice))


@given(MASKS)
@settings(deadline=None)
def test_outlines_have_no_vertex_on_a_straight_line(mask: npt.NDArray[np.bool_]) -> None:
    runs = runs_of(mask)
    for ring in shapely.get_rings(trace_runs(runs, label_runs(runs, 4), Affine.identity())):
        steps = np.diff(shapely.get_coordinates(ring), axis=0)
        assert ((steps == 0).sum(axis=1) == 1).all()
        assert ((steps[1:] == 0) != (steps[:-1] == 0)).all()


@given(MASKS)
@settings(deadline=None)
def test_gaps_are_all_that_is_left(mask: npt.NDArray[np.bool_]) -> None:
    gaps = gaps_between(runs_of(mask), *mask.shape)
    left = np.zeros_like(mask)
    for row, start, stop in zip(gaps.row, gaps.start, gaps.stop, strict=True):
        left[row, start:stop] = True
    assert np.array_equal(left, ~mask)


def test_a_shell_begins_at_the_upper_left_and_runs_counter_clockwise() -> None:
    (outline,) = traced("....", ".##.", ".##.")
    assert outline.exterior.coords[:] == [(1, -1), (1, -3), (3, -3), (3, -1), (1, -1)]


def test_holes_run_the_other_way_in_the_order_of_their_first_pixels() -> None:
    (outline,) = traced("#####", "###.#", "#.###", "#####")
    assert [hole.is_ccw for hole in outline.interiors] == [False, False]
    assert [hole.bounds[0] for hole in outline.interiors] == [3, 1]


def test_a_patch_that_closes_at_a_corner_has_a_hole_there() -> None:
    (outline,) = traced("###.", "#.#.", "##..", "....", connectivity=4)
    assert outline.geom_type == "Polygon"
    (outline,) = traced("####", "#..#", "#.#.", "###.", connectivity=8)
    assert outline.is_valid
    assert outline.area == 11


@pytest.mark.parametrize(("connectivity", "kinds"), [(8, ["MultiPolygon"]), (4, ["Polygon", "Polygon"])])
def test_pieces_that_touch_at_a_corner_are_one_multipolygon_or_two_polygons(
    connectivity: int, kinds: list[str]
) -> None:
    assert [outline.geom_type for outline in traced("#.", ".#", connectivity=connectivity)] == kinds
