"""Polygons follow the pixels exactly, and their areas are those of the ground."""

import numpy as np
import numpy.typing as npt
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pydantic import ValidationError
from pyproj import Geod
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scipy import ndimage

from mapping.outlining import DEGREES, UTM, grid_of
from mining_the_mines.chips.grid import ChipGrid
from mining_the_mines.chips.masks import UNKNOWN
from mining_the_mines.chips.outlines import LON_LAT, transformation
from mining_the_mines.chips.reading import ChipError
from mining_the_mines.mapping.vectorise import VectorSettings, draw_outlines, outline_polygons

EVERYTHING = VectorSettings(minimum_hectares=0)
#: 0 is ground, 1 mine, 2 without data.
PICTURES = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.integers(0, 2))
GRIDS = st.sampled_from(
    [
        (UTM, from_origin(500_000, 9_400_000, 10, 10)),
        (DEGREES, from_origin(-57.1, -5.4, 9e-5, 9e-5)),
        (UTM, Affine.translation(500_003.7, 9_400_001.3) @ Affine.rotation(33) @ Affine.scale(10, -10)),
    ]
)


def picture(*rows: str) -> npt.NDArray[np.float32]:
    """Probabilities from a drawing: # is 0.9, . is 0.1, ? has no data."""
    values = {"#": 0.9, ".": 0.1, "?": np.nan}
    return np.array([[values[letter] for letter in row] for row in rows], dtype=np.float32)


def grid_for(probability: npt.NDArray[np.float32], crs: CRS = UTM) -> ChipGrid:
    return grid_of(crs, *probability.shape)


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


@pytest.mark.parametrize("fields", [{"minimum_hectares": -1}, {"connectivity": 6}, {"simplify": 1}])
def test_settings_that_mean_nothing_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        VectorSettings.model_validate(fields)
