"""Polygons follow the pixels exactly, and their areas are those of the ground."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pyproj import Geod
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scipy import ndimage

from mining_the_mines.chips.masks import UNKNOWN
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.geo.mine_polygons import LON_LAT, transformation
from mining_the_mines.mapping.strips import ProbabilityRows
from mining_the_mines.mapping.vectorise import (
    Thresholds,
    VectorSettings,
    draw_outlines,
    outline_blocks,
    outline_polygons,
)
from mining_the_mines.rasters.chip import ChipError
from support.likely_pixels import PICTURES, grid_for, likely_pixels, picture
from support.segmenters import DEGREES, UTM, grid_of

EVERYTHING = VectorSettings(minimum_hectares=0)
GRIDS = st.sampled_from(
    [
        (UTM, from_origin(500_000, 9_400_000, 10, 10)),
        (DEGREES, from_origin(-57.1, -5.4, 9e-5, 9e-5)),
        (UTM, Affine.translation(500_003.7, 9_400_001.3) @ Affine.rotation(33) @ Affine.scale(10, -10)),
    ]
)


@given(PICTURES, GRIDS, st.sampled_from([4, 8]))
@settings(deadline=None)
def test_drawing_the_polygons_gives_the_pixels_back(
    pixels: npt.NDArray[np.uint8], place: tuple[CRS, Affine], connectivity: int
) -> None:
    probability = np.choose(pixels, [0.2, 0.7, np.nan]).astype(np.float32)
    grid = ChipGrid(*place, width=pixels.shape[1], height=pixels.shape[0])
    chosen = VectorSettings.model_validate({"minimum_hectares": 0, "connectivity": connectivity})
    outlines = outline_polygons(probability, grid, 0.5, chosen)
    assert outlines.geometry.is_valid.all()
    mask = draw_outlines(outlines, probability, grid)
    assert np.array_equal(mask, np.choose(pixels, [0, 1, UNKNOWN]))
    structure = np.ones((3, 3)) if connectivity == 8 else None
    assert len(outlines) == ndimage.label(pixels == 1, structure)[1]


@given(PICTURES, st.floats(0, 0.1))
@settings(deadline=None, max_examples=40)
def test_only_patches_below_the_minimum_are_missing(pixels: npt.NDArray[np.uint8], minimum: float) -> None:
    probability = (pixels == 1).astype(np.float32)
    grid = grid_for(probability)
    every = outline_polygons(probability, grid, 0.5, EVERYTHING)
    kept = outline_polygons(probability, grid, 0.5, VectorSettings(minimum_hectares=minimum))
    assert kept["area_ha"].tolist() == [area for area in every["area_ha"] if area >= minimum]


@pytest.mark.parametrize("crs", [UTM, DEGREES, CRS.from_epsg(3857)], ids=["UTM", "degrees", "Web Mercator"])
def test_hectares_are_those_of_the_ellipsoid_in_any_crs(crs: CRS) -> None:
    places = {UTM: (700_000, 9_300_000, 10), DEGREES: (-55.2, 61.0, 1e-4), CRS.from_epsg(3857): (-6e6, 8.5e6, 20)}
    west, north, step = places[crs]
    probability = np.zeros((40, 40), dtype=np.float32)
    probability[5:30, 10:35] = 1
    grid = grid_of(crs, 40, 40, from_origin(west, north, step, step))
    outlines = outline_polygons(probability, grid, 0.5, EVERYTHING)
    (on_earth,) = outlines.to_crs(DEGREES.to_wkt()).geometry
    true = abs(Geod(ellps="WGS84").geometry_area_perimeter(on_earth)[0]) / 10_000
    assert outlines["area_ha"][0] == pytest.approx(true, rel=1e-4)


def test_a_mine_across_the_antimeridian_keeps_its_size() -> None:
    fiji = CRS.from_epsg(32760)
    ((easting, northing),) = transformation(LON_LAT, fiji.to_wkt())(np.array([[180.0, -17.0]]))
    grid = grid_of(fiji, 10, 10, from_origin(easting - 100, northing + 100, 20, 20))
    outlines = outline_polygons(np.ones((10, 10), dtype=np.float32), grid, 0.5, EVERYTHING)
    west, _, east, _ = outlines.to_crs(DEGREES.to_wkt()).total_bounds
    assert east - west > 350
    assert outlines["area_ha"][0] == pytest.approx(4, rel=0.005)


def test_a_hole_stays_a_hole() -> None:
    probability = picture("....", ".###", ".#.#", ".###")
    (polygon,) = outline_polygons(probability, grid_for(probability), 0.5, EVERYTHING).geometry
    assert len(polygon.interiors) == 1
    assert polygon.area == 800


def test_small_holes_are_filled_on_demand() -> None:
    probability = picture("......", ".####.", ".#..#.", ".####.", ".#.##.", ".####.")
    grid = grid_for(probability)
    filled = VectorSettings(minimum_hectares=0, fill_holes_hectares=0.015)
    outlines = outline_polygons(probability, grid, 0.5, filled)
    assert outlines.geometry.area.tolist() == [1800]
    assert draw_outlines(outlines, probability, grid)[4, 2] == 1


def test_a_mine_in_a_hole_that_is_filled_becomes_part_of_the_mine_around_it() -> None:
    probability = picture("#####", "#...#", "#.#.#", "#...#", "#####")
    filled = VectorSettings(minimum_hectares=0, fill_holes_hectares=1)
    outlines = outline_polygons(probability, grid_for(probability), 0.5, filled)
    assert outlines.geometry.area.tolist() == [2500]


@pytest.mark.parametrize("rows", [("####", "#..#", "#.##", "#.##"), ("###", "#?#", "###")], ids=["open", "nodata"])
def test_bays_and_nodata_are_no_holes_to_fill(rows: tuple[str, ...]) -> None:
    probability = picture(*rows)
    filled = VectorSettings(minimum_hectares=0, fill_holes_hectares=1)
    mask = draw_outlines(
        outline_polygons(probability, grid_for(probability), 0.5, filled), probability, grid_for(probability)
    )
    assert np.array_equal(mask == 1, probability >= 0.5)


@pytest.mark.parametrize(("connectivity", "mines"), [(4, 2), (8, 1)])
def test_pits_that_touch_at_a_corner_are_one_mine_or_two(connectivity: int, mines: int) -> None:
    probability = picture("....", ".#..", "..#.", "....")
    chosen = VectorSettings.model_validate({"minimum_hectares": 0, "connectivity": connectivity})
    assert len(outline_polygons(probability, grid_for(probability), 0.5, chosen)) == mines


def test_the_largest_mine_comes_first_with_its_probabilities() -> None:
    probability = picture("#......", "....##.", "....##.", ".......")
    probability[1, 4] = 0.5
    outlines = outline_polygons(probability, grid_for(probability), 0.5, EVERYTHING)
    assert outlines["id"].tolist() == [1, 2]
    assert outlines["mean_probability"].tolist() == pytest.approx([0.8, 0.9])
    assert outlines["max_probability"].tolist() == pytest.approx([0.9, 0.9])
    assert outlines["touches_edge"].tolist() == [False, True]


def test_a_mine_beside_nodata_may_go_on_there() -> None:
    probability = picture(".....", ".#?..", ".....")
    assert outline_polygons(probability, grid_for(probability), 0.5, EVERYTHING)["touches_edge"].tolist() == [True]


@pytest.mark.parametrize("letter", [".", "?"])
def test_a_chip_without_mine_gives_an_empty_layer_with_a_crs(letter: str) -> None:
    probability = picture(letter * 3, letter * 3)
    outlines = outline_polygons(probability, grid_for(probability), 0.5, EVERYTHING)
    assert len(outlines) == 0
    assert outlines.crs.to_epsg() == 32721
    assert list(outlines.columns) == [
        "id", "area_ha", "mean_probability", "max_probability", "touches_edge", "geometry",
    ]  # fmt: skip


def test_polygons_come_in_the_crs_of_the_chip() -> None:
    probability = picture("#.", "..")
    outlines = outline_polygons(probability, grid_for(probability, DEGREES), 0.5, EVERYTHING)
    assert outlines.crs.to_epsg() == 4326
    assert outlines.total_bounds[0] == pytest.approx(-57.0)
    assert outlines.total_bounds[3] == pytest.approx(-5.4)


def test_a_grid_that_is_nowhere_on_the_earth_is_told() -> None:
    local = CRS.from_wkt('LOCAL_CS["mine grid",UNIT["metre",1]]')
    probability = picture("#.", "..")
    with pytest.raises(ChipError, match="can't be placed on the Earth"):
        outline_polygons(probability, grid_of(local, 2, 2, from_origin(0, 0, 10, 10)), 0.5, EVERYTHING)


def test_coordinates_beyond_the_crs_are_told() -> None:
    probability = picture("#.", "..")
    grid = grid_of(UTM, 2, 2, from_origin(9e9, 9e9, 10, 10))
    with pytest.raises(ChipError, match="can't be placed on the Earth"):
        outline_polygons(probability, grid, 0.5, EVERYTHING)


def test_a_map_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        outline_polygons(picture("#."), grid_of(), 0.5, EVERYTHING)


@pytest.mark.parametrize(
    "fields", [{"minimum_hectares": -1}, {"connectivity": 6}, {"simplify": 1}, {"seed": 0.4, "grow": 0.5}, {"grow": 2}]
)
def test_settings_that_mean_nothing_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        VectorSettings.model_validate(fields)


@pytest.mark.parametrize(
    ("seed", "grow", "resolved"),
    [
        (None, None, (0.5, 0.5)),
        (0.8, 0.3, (0.8, 0.3)),
        (0.8, None, (0.8, 0.5)),
        (None, 0.3, (0.5, 0.3)),
        (0.4, None, (0.4, 0.4)),
        (None, 0.6, (0.6, 0.6)),
    ],
)
def test_thresholds_that_are_not_given_follow_the_model(
    seed: float | None, grow: float | None, resolved: tuple[float, float]
) -> None:
    assert VectorSettings(seed=seed, grow=grow).thresholds(0.5) == Thresholds(*resolved)


def test_a_patch_grows_around_a_seed_and_goes_without_one() -> None:
    probability = picture("+++..", "+#+..", ".....", "...++", "...++")
    settled = VectorSettings(minimum_hectares=0, seed=0.8, grow=0.4)
    outlines = outline_polygons(probability, grid_for(probability), 0.5, settled)
    assert outlines.geometry.area.tolist() == [600]
    assert outlines["mean_probability"].tolist() == pytest.approx([(5 * 0.6 + 0.9) / 6])


def test_clear_dates_are_the_median_of_a_mines_pixels() -> None:
    probability = picture("##..#", "##..#", ".....")
    dates = np.array([[1, 2, 9, 9, 5], [9, 7, 9, 9, 2], [9, 9, 9, 9, 9]], dtype=np.uint16)
    blocks = [ProbabilityRows(0, probability[:1], dates[:1]), ProbabilityRows(1, probability[1:], dates[1:])]
    outlines = outline_blocks(blocks, grid_for(probability), Thresholds(0.5, 0.5), EVERYTHING)
    assert outlines["clear_dates"].tolist() == [4.5, 3.5]
    assert list(outlines.columns) == [
        "id", "area_ha", "mean_probability", "max_probability", "clear_dates", "touches_edge", "geometry",
    ]  # fmt: skip


def test_where_nobody_counted_clear_dates_there_is_no_number() -> None:
    probability = picture("##")
    outlines = outline_blocks(
        [ProbabilityRows(0, probability)], grid_for(probability), Thresholds(0.5, 0.5), EVERYTHING
    )
    assert outlines["clear_dates"].isna().all()


@st.composite
def block_heights(draw: st.DrawFn, height: int) -> list[int]:
    """Heights of blocks that make up a raster: often single rows."""
    heights: list[int] = []
    while sum(heights) < height:
        heights.append(draw(st.integers(1, min(height - sum(heights), draw(st.sampled_from([1, 7, height]))))))
    return heights


def cut(
    probability: npt.NDArray[np.float32], dates: npt.NDArray[np.uint16] | None, heights: list[int]
) -> Iterator[ProbabilityRows]:
    first = 0
    for height in heights:
        rows = slice(first, first + height)
        yield ProbabilityRows(first, probability[rows], None if dates is None else dates[rows])
        first += height


@given(
    likely_pixels(max_side=48),
    st.booleans(),
    st.builds(
        VectorSettings,
        seed=st.sampled_from([0.6, 0.8]),
        grow=st.sampled_from([0.4, 0.6]),
        minimum_hectares=st.sampled_from([0, 0.03]),
        fill_holes_hectares=st.sampled_from([0, 0.015, 0.06, 1]),
        connectivity=st.sampled_from([4, 8]),
        simplify_metres=st.sampled_from([0, 25]),
    ),
    st.data(),
)
@settings(deadline=None, max_examples=80)
def test_the_blocks_cant_be_told_from_the_result(
    probability: npt.NDArray[np.float32], counted: bool, chosen: VectorSettings, data: st.DataObject
) -> None:
    grid, thresholds = grid_for(probability), chosen.thresholds(0.5)
    height, width = probability.shape
    dates = (np.arange(height * width, dtype=np.uint16).reshape(height, width) % 11) if counted else None
    whole = outline_blocks(cut(probability, dates, [height]), grid, thresholds, chosen)
    heights = data.draw(block_heights(height))
    parts = outline_blocks(cut(probability, dates, heights), grid, thresholds, chosen)
    pd.testing.assert_frame_equal(
        pd.DataFrame(parts.drop(columns="geometry")), pd.DataFrame(whole.drop(columns="geometry")), check_exact=True
    )
    assert parts.geometry.to_wkb().tolist() == whole.geometry.to_wkb().tolist()
    assert whole.geometry.is_valid.all()


@given(likely_pixels(max_side=24), st.sampled_from([4, 8]), st.integers(0, 6))
@settings(deadline=None)
def test_patches_are_those_of_an_image_that_is_labelled_whole(
    probability: npt.NDArray[np.float32], connectivity: int, hole: int
) -> None:
    chosen = VectorSettings.model_validate(
        {"minimum_hectares": 0, "fill_holes_hectares": (hole + 0.5) / 100, "connectivity": connectivity}
    )
    grid = grid_for(probability)
    outlines = outline_polygons(probability, grid, 0.5, chosen)
    known, mine = ~np.isnan(probability), probability >= 0.5
    corners, sides = np.ones((3, 3)), ndimage.generate_binary_structure(2, 1)
    gaps, count = ndimage.label(~mine, sides if connectivity == 8 else corners)
    open_ones = {*gaps[0], *gaps[-1], *gaps[:, 0], *gaps[:, -1], *gaps[~known]}
    for gap in set(range(1, count + 1)) - open_ones:
        mine |= (gaps == gap) & ((gaps == gap).sum() <= hole)
    labels, mines = ndimage.label(mine, corners if connectivity == 8 else sides)
    assert len(outlines) == mines
    assert np.array_equal(draw_outlines(outlines, probability, grid), np.where(known, mine, UNKNOWN))
    means = ndimage.mean(np.where(known, probability, 0), labels, range(1, mines + 1))
    assert sorted(outlines["mean_probability"]) == pytest.approx(sorted(np.atleast_1d(means)), abs=1e-6)


def test_a_seam_leaves_no_vertex() -> None:
    probability = np.ones((4, 3), dtype=np.float32)
    (polygon,) = outline_blocks(
        cut(probability, None, [1, 0, 1, 2]), grid_for(probability), Thresholds(0.5, 0.5), EVERYTHING
    ).geometry
    assert shapely.get_num_coordinates(polygon) == 5
    assert polygon.exterior.is_ccw


def test_a_hole_across_seams_is_filled() -> None:
    probability = picture("####", "#..#", "#..#", "####")
    filled = VectorSettings(minimum_hectares=0, fill_holes_hectares=0.05)
    (polygon,) = outline_blocks(
        cut(probability, None, [2, 2]), grid_for(probability), Thresholds(0.5, 0.5), filled
    ).geometry
    assert polygon.area == 1600


@pytest.mark.parametrize("heights", [[2], [4, 1]], ids=["too few", "too many"])
def test_blocks_that_dont_make_up_the_raster_are_refused(heights: list[int]) -> None:
    probability = np.ones((5, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="does not fit"):
        outline_blocks(cut(probability, None, heights), grid_of(UTM, 4, 3), Thresholds(0.5, 0.5), EVERYTHING)


def test_blocks_of_which_only_some_count_clear_dates_are_refused() -> None:
    probability = picture("#", "#")
    blocks = [
        ProbabilityRows(0, probability[:1], np.ones((1, 1), dtype=np.uint16)),
        ProbabilityRows(1, probability[1:]),
    ]
    with pytest.raises(ValueError, match="in some blocks of the map and not in others"):
        outline_blocks(blocks, grid_for(probability), Thresholds(0.5, 0.5), EVERYTHING)


def test_simplified_outlines_have_fewer_vertices_and_keep_apart() -> None:
    rows, columns = np.mgrid[:40, :40]
    rings = np.hypot(rows - 20, columns - 20)
    probability = ((rings < 18) & (rings > 6) | (rings < 3)).astype(np.float32)
    grid = grid_for(probability)
    exact = outline_polygons(probability, grid, 0.5, EVERYTHING)
    simple = outline_polygons(probability, grid, 0.5, VectorSettings(minimum_hectares=0, simplify_metres=30))
    assert simple.geometry.is_valid.all()
    assert shapely.get_num_coordinates(simple.geometry).sum() < 0.5 * shapely.get_num_coordinates(exact.geometry).sum()
    ring, island = simple.geometry
    assert len(ring.interiors) == 1
    assert ring.disjoint(island)
    assert simple["area_ha"].tolist() == exact["area_ha"].tolist()
    assert simple.geometry.area.to_numpy() == pytest.approx(exact.geometry.area.to_numpy(), rel=0.1)


def test_simplification_is_in_metres_whatever_the_crs() -> None:
    rows, columns = np.mgrid[:40, :40]
    probability = (np.hypot(rows - 20, columns - 20) < 18).astype(np.float32)
    chosen = VectorSettings(simplify_metres=30)
    corners = [
        shapely.get_num_coordinates(outline_polygons(probability, grid_for(probability, crs), 0.5, chosen).geometry[0])
        for crs in (UTM, DEGREES)
    ]
    assert corners[0] == pytest.approx(corners[1], abs=2)
