"""Polygons follow the pixels exactly, whatever the blocks."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scipy import ndimage

from mining_the_mines.chips.masks import UNKNOWN
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.mapping.polygonize import ProbabilityRows, draw_mask, polygonize, polygonize_chip
from mining_the_mines.mapping.settings import Thresholds, VectorSettings
from support.likely_pixels import PICTURES, grid_for, likely_pixels, picture
from support.segmenters import DEGREES, UTM, grid_of

EVERYTHING = VectorSettings(minimum_hectares=0)
HALF = Thresholds(0.5, 0.5)
PLACES = st.sampled_from(
    [
        (UTM, from_origin(500_000, 9_400_000, 10, 10)),
        (DEGREES, from_origin(-57.1, -5.4, 9e-5, 9e-5)),
        (UTM, Affine.translation(500_003.7, 9_400_001.3) @ Affine.rotation(33) @ Affine.scale(10, -10)),
    ]
)


def chosen(**changes: object) -> VectorSettings:
    """Settings that keep patches of any size."""
    return VectorSettings.model_validate({"minimum_hectares": 0} | changes)


def cut(
    probability: npt.NDArray[np.float32], rows: int, dates: npt.NDArray[np.uint16] | None = None
) -> list[ProbabilityRows]:
    """A map in blocks of some rows."""
    return [
        ProbabilityRows(
            first, probability[first : first + rows], None if dates is None else dates[first : first + rows]
        )
        for first in range(0, len(probability), rows)
    ]


@given(PICTURES, PLACES, st.sampled_from([4, 8]))
@settings(max_examples=40, deadline=None)
def test_mask_gives_pixels_back(pixels: npt.NDArray[np.uint8], place: tuple[CRS, Affine], connectivity: int) -> None:
    probability = np.choose(pixels, [0.2, 0.7, np.nan]).astype(np.float32)
    grid = ChipGrid(*place, width=pixels.shape[1], height=pixels.shape[0])
    polygons = polygonize_chip(probability, grid, 0.5, chosen(connectivity=connectivity))
    assert polygons.geometry.is_valid.all()
    assert np.array_equal(draw_mask(polygons, probability, grid), np.choose(pixels, [0, 1, UNKNOWN]))
    assert len(polygons) == ndimage.label(pixels == 1, np.ones((3, 3)) if connectivity == 8 else None)[1]


@given(likely_pixels(max_side=24), st.sampled_from([4, 8]), st.integers(0, 6), st.sampled_from([0, 3, 8]))
@settings(max_examples=40, deadline=None)
def test_patches_as_scipy_labels_them(
    probability: npt.NDArray[np.float32], connectivity: int, hole: int, fewest: int
) -> None:
    hectares = {"fill_holes_hectares": (hole + 0.5) / 100, "minimum_hectares": max(0, fewest - 0.5) / 100}
    grid = grid_for(probability)
    polygons = polygonize_chip(probability, grid, 0.5, chosen(connectivity=connectivity, **hectares))
    known, mine = ~np.isnan(probability), probability >= 0.5
    corners, sides = np.ones((3, 3)), ndimage.generate_binary_structure(2, 1)
    gaps, count = ndimage.label(~mine, sides if connectivity == 8 else corners)
    open_ones = {*gaps[0], *gaps[-1], *gaps[:, 0], *gaps[:, -1], *gaps[~known]}
    for gap in set(range(1, count + 1)) - open_ones:
        mine |= (gaps == gap) & ((gaps == gap).sum() <= hole)
    labels, _ = ndimage.label(mine, corners if connectivity == 8 else sides)
    numbers, pixels = np.unique(labels[labels > 0], return_counts=True)
    kept = numbers[pixels >= fewest]
    assert len(polygons) == len(kept)
    assert np.array_equal(draw_mask(polygons, probability, grid), np.where(known, np.isin(labels, kept), UNKNOWN))
    means = ndimage.mean(np.where(known, probability, 0), labels, kept)
    assert sorted(polygons["mean_probability"]) == pytest.approx(sorted(np.atleast_1d(means)), abs=1e-6)


@given(
    likely_pixels(max_side=48),
    st.booleans(),
    st.integers(1, 48),
    st.builds(
        VectorSettings,
        seed=st.sampled_from([0.6, 0.8]),
        grow=st.sampled_from([0.4, 0.6]),
        minimum_hectares=st.sampled_from([0, 0.03]),
        fill_holes_hectares=st.sampled_from([0, 0.06]),
        connectivity=st.sampled_from([4, 8]),
        simplify_metres=st.sampled_from([0, 25]),
    ),
)
@settings(max_examples=40, deadline=None)
def test_blocks_leave_no_trace(
    probability: npt.NDArray[np.float32], counted: bool, rows: int, vectors: VectorSettings
) -> None:
    grid, thresholds = grid_for(probability), vectors.thresholds(0.5)
    dates = (np.arange(probability.size, dtype=np.uint16).reshape(probability.shape) % 11) if counted else None
    whole, parts = (
        polygonize(cut(probability, height, dates), grid, thresholds, vectors) for height in (len(probability), rows)
    )
    attributes = [pd.DataFrame(table.drop(columns="geometry")) for table in (parts, whole)]
    pd.testing.assert_frame_equal(attributes[0], attributes[1], check_exact=True)
    assert parts.geometry.to_wkb().tolist() == whole.geometry.to_wkb().tolist()


def test_scratch_rows_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    probability = np.random.default_rng(0).random((60, 50), dtype=np.float32)
    vectors = VectorSettings(minimum_hectares=0.05, fill_holes_hectares=0.03)
    tables = []
    for rows in (7, 512):
        monkeypatch.setattr("mining_the_mines.mapping.polygonize._ROWS", rows)
        tables.append(polygonize(cut(probability, 13), grid_for(probability), HALF, vectors))
    assert len(tables[0]) > 2
    assert tables[0].geometry.to_wkb().tolist() == tables[1].geometry.to_wkb().tolist()


@pytest.mark.parametrize("crs", [UTM, DEGREES, CRS.from_epsg(3857)], ids=["UTM", "degrees", "Web Mercator"])
def test_hectares_on_the_ellipsoid(crs: CRS) -> None:
    places = {UTM: (700_000, 9_300_000, 10), DEGREES: (-55.2, 61.0, 1e-4), CRS.from_epsg(3857): (-6e6, 8.5e6, 20)}
    west, north, step = places[crs]
    probability = np.zeros((40, 40), dtype=np.float32)
    probability[5:30, 10:35] = 1
    polygons = polygonize_chip(probability, grid_of(crs, 40, 40, from_origin(west, north, step, step)), 0.5, EVERYTHING)
    (on_earth,) = polygons.to_crs(DEGREES.to_wkt()).geometry
    true = abs(Geod(ellps="WGS84").geometry_area_perimeter(on_earth)[0]) / 10_000
    assert polygons["area_ha"][0] == pytest.approx(true, rel=1e-4)


def test_hole_filled_with_the_mine_in_it() -> None:
    probability = picture("#####", "#...#", "#.#.#", "#...#", "#####")
    (kept,) = polygonize_chip(probability, grid_for(probability), 0.4, chosen(connectivity=4)).geometry[:1]
    assert len(kept.interiors) == 1
    polygons = polygonize_chip(probability, grid_for(probability), 0.5, chosen(fill_holes_hectares=1))
    assert polygons.geometry.area.tolist() == [2500]
    assert polygons["mean_probability"].tolist() == pytest.approx([(17 * 0.9 + 8 * 0.1) / 25])


@pytest.mark.parametrize("rows", [("####", "#..#", "#.##", "#.##"), ("###", "#?#", "###")], ids=["bay", "nodata"])
def test_holes_left_open(rows: tuple[str, ...]) -> None:
    probability = picture(*rows)
    grid = grid_for(probability)
    mask = draw_mask(polygonize_chip(probability, grid, 0.5, chosen(fill_holes_hectares=1)), probability, grid)
    assert np.array_equal(mask == 1, probability >= 0.5)


def test_order_and_attributes() -> None:
    probability = picture("#......", "....##.", "....##.", ".......", "..#....")
    probability[1, 4] = 0.5
    polygons = polygonize_chip(probability, grid_for(probability), 0.5, EVERYTHING)
    assert polygons["id"].tolist() == [1, 2, 3]
    assert polygons["mean_probability"].tolist() == pytest.approx([0.8, 0.9, 0.9])
    assert polygons["max_probability"].tolist() == pytest.approx([0.9] * 3)
    assert polygons["touches_edge"].tolist() == [False, True, True]
    assert all(polygon.exterior.is_ccw for polygon in polygons.geometry)


@pytest.mark.parametrize("place", [(0, 0, 'LOCAL_CS["mine grid",UNIT["metre",1]]'), (9e9, 9e9, UTM.to_wkt())])
def test_grid_nowhere_on_earth_is_refused(place: tuple[float, float, str]) -> None:
    west, north, crs = place
    grid = grid_of(CRS.from_wkt(crs), 2, 2, from_origin(west, north, 10, 10))
    with pytest.raises(BadInputError, match="can't be placed on the Earth"):
        polygonize_chip(picture("#.", ".."), grid, 0.5, EVERYTHING)


def test_patch_grows_around_a_seed() -> None:
    probability = picture("+++..", "+#+..", ".....", "...++", "...++")
    polygons = polygonize_chip(probability, grid_for(probability), 0.5, chosen(seed=0.8, grow=0.4))
    assert polygons.geometry.area.tolist() == [600]
    assert polygons["mean_probability"].tolist() == pytest.approx([(5 * 0.6 + 0.9) / 6])


def test_median_of_clear_dates() -> None:
    probability = picture("##..#", "##..#", ".....")
    dates = np.array([[1, 2, 9, 9, 5], [9, 7, 9, 9, 2], [9, 9, 9, 9, 9]], dtype=np.uint16)
    polygons = polygonize(cut(probability, 1, dates), grid_for(probability), HALF, EVERYTHING)
    assert polygons["clear_dates"].tolist() == [4.5, 3.5]
    unknown = polygonize(cut(probability, 1), grid_for(probability), HALF, EVERYTHING)
    assert unknown["clear_dates"].isna().all()


def test_simplified_polygons_keep_apart() -> None:
    rows, columns = np.mgrid[:40, :40]
    rings = np.hypot(rows - 20, columns - 20)
    probability = ((rings < 18) & (rings > 6) | (rings < 3)).astype(np.float32)
    exact = polygonize_chip(probability, grid_for(probability), 0.5, EVERYTHING)
    corners = shapely.get_num_coordinates(exact.geometry).sum()
    for crs in (UTM, DEGREES):
        simple = polygonize_chip(probability, grid_for(probability, crs), 0.5, chosen(simplify_metres=30))
        assert simple.geometry.is_valid.all()
        assert shapely.get_num_coordinates(simple.geometry).sum() < 0.5 * corners
        ring, island = simple.geometry
        assert len(ring.interiors) == 1
        assert ring.disjoint(island)
    same = polygonize_chip(probability, grid_for(probability), 0.5, chosen(simplify_metres=30))
    assert same["area_ha"].tolist() == exact["area_ha"].tolist()
