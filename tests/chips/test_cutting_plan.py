"""Where chips are cut, and their groups."""

from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from mining_the_mines.chips.cutting_places import ChipPlaces
from mining_the_mines.chips.cutting_plan import Cutout, Layout, plan_grid, plan_places
from mining_the_mines.core.errors import BadInputError
from support.chip_polygons import LEFT, TOP, utm_grid
from support.composites import at, composite_at

TO_DEGREES = Transformer.from_crs(32721, 4326, always_xy=True)
LAYOUTS = st.builds(Layout, size=st.integers(1, 40), step=st.integers(1, 60), block=st.none() | st.integers(1, 5))


def places_at(*pixels: tuple[float, float], names: tuple[str, ...] = ()) -> ChipPlaces:
    """Places by column and row of the grid that composites have by default."""
    longitudes, latitudes = zip(*(TO_DEGREES.transform(*at(*pixel)) for pixel in pixels), strict=True)
    names = names or tuple(str(number) for number in range(1, len(pixels) + 1))
    return ChipPlaces(names, np.array(longitudes), np.array(latitudes), (), "places.csv")


def corners(cutouts: tuple[Cutout, ...]) -> list[tuple[int, int]]:
    return [(cutout.column, cutout.row) for cutout in cutouts]


@given(layout=LAYOUTS, pixels=st.integers(1, 400))
def test_starts_fit(layout: Layout, pixels: int) -> None:
    starts = layout.starts(pixels)
    assert starts == sorted(set(starts))
    assert all(0 <= start <= pixels - layout.size for start in starts)
    assert bool(starts) == (layout.size <= pixels)
    if starts:
        assert pixels - (starts[-1] + layout.size) < max(layout.step, layout.size)


@given(layout=LAYOUTS, pixels=st.integers(1, 400))
def test_blocks_share_no_ground(layout: Layout, pixels: int) -> None:
    starts = layout.starts(pixels)
    groups = [layout.group("north", start, 0) for start in starts]
    chips = list(zip(starts, groups, strict=True))
    for (earlier, first), (later, second) in pairwise(chips):
        assert first == second or later - earlier >= layout.size
    assert all(groups.count(group) <= (layout.block or len(starts)) for group in groups)


def test_grid(tmp_path: Path) -> None:
    plan = plan_grid([composite_at(tmp_path, grid=utm_grid(40, 70))], Layout(16, 16, 2))
    assert corners(plan.cutouts) == [(column, row) for row in (0, 16) for column in (0, 16, 32, 48)]
    assert [cutout.name for cutout in plan.cutouts[3:5]] == ["north_r000_c003", "north_r001_c000"]
    assert {cutout.group for cutout in plan.cutouts} == {"north/r0c0", "north/r0c1"}
    assert plan.cutouts[5].grid.bounds == (LEFT + 160, TOP - 320, LEFT + 320, TOP - 160)


def test_small_region_is_left_out(tmp_path: Path) -> None:
    small = composite_at(tmp_path, "small", utm_grid(10, 70))
    (left_out,) = plan_grid([small, composite_at(tmp_path)], Layout(16, 16, None)).left_out
    assert left_out.region == "small"
    assert left_out.reason.startswith("too small")


def test_overlapping_regions_share_groups(tmp_path: Path) -> None:
    east = composite_at(tmp_path, "east", utm_grid(64, 80, left=LEFT + 720))
    plan = plan_grid([composite_at(tmp_path), east], Layout(16, 16, 1))
    for first, second in product(plan.cutouts, repeat=2):
        shared = shapely.box(*first.grid.bounds).intersection(shapely.box(*second.grid.bounds)).area
        assert (first.group == second.group) == (shared > 1)


@settings(max_examples=10, deadline=None)
@given(column=st.floats(8, 72), row=st.floats(8, 56))
def test_chip_is_centred_on_its_place(tmp_path_factory: pytest.TempPathFactory, column: float, row: float) -> None:
    composite = composite_at(tmp_path_factory.mktemp("composite"))
    (cutout,) = plan_places([composite], places_at((column, row)), Layout(16, 16, None)).cutouts
    assert abs(cutout.column + 8 - column) <= 0.5 + 1e-3
    assert abs(cutout.row + 8 - row) <= 0.5 + 1e-3


def test_places_left_out(tmp_path: Path) -> None:
    near = places_at((40, 30), (500, 30), (3, 30))
    longitude, latitude = np.append(near.longitude, [123.0, 0.0]), np.append(near.latitude, [5.4, 90.0])
    places = ChipPlaces(("pit", "far", "rim", "antipode", "pole"), longitude, latitude, (), "places.csv")
    plan = plan_places([composite_at(tmp_path)], places, Layout(16, 16, None))
    assert [cutout.name for cutout in plan.cutouts] == ["north_pit"]
    reasons = {left.place: left.reason.split(":")[0] for left in plan.left_out}
    assert reasons == {"far": "outside", "rim": "edge", "antipode": "outside", "pole": "outside"}


def test_no_place_in_any_region(tmp_path: Path) -> None:
    swapped = ChipPlaces(("a",), np.array([-5.4]), np.array([-57.0]), (), "places.csv")
    with pytest.raises(BadInputError, match=r"No place of places\.csv .* latitude -57\.000"):
        plan_places([composite_at(tmp_path)], swapped, Layout(16, 16, None))


@given(names=st.lists(st.sampled_from(("a", "A", "a-2", "a-3", "a 2", "b")), min_size=1, max_size=8))
@settings(max_examples=10, deadline=None)
@example(names=["a", "a", "a-2"])
def test_file_names_are_unique(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    composite = composite_at(tmp_path_factory.mktemp("composite"))
    places = places_at(*[(40, 30)] * len(names), names=tuple(names))
    plan = plan_places([composite], places, Layout(16, 16, None))
    assert len({cutout.name.lower() for cutout in plan.cutouts}) == len(names)
    assert [cutout.place for cutout in plan.cutouts] == names


def test_overlapping_chips_share_a_group(tmp_path: Path) -> None:
    places = places_at((20, 20), (30, 20), (60, 50))
    plan = plan_places([composite_at(tmp_path)], places, Layout(16, 16, 1))
    first, second, third = (cutout.group for cutout in plan.cutouts)
    assert first == second != third
