"""Masks have the area and the place of the polygons."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
import rasterio.features
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from shapely.geometry import shape as to_geometry
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.masks import (
    BACKGROUND,
    MINE,
    UNKNOWN,
    MaskSettings,
    check_masks,
    describe_masks,
    draw_masks,
    place_chips,
)
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes, planes_in_memory
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid, pixel_hectares
from mining_the_mines.geo.mine_polygons import read_mine_polygons
from mining_the_mines.geo.polygon_index import PolygonIndex
from support.chip_polygons import LEFT, TOP, degree_grid, outlines_in, pack, square, utm_grid, write_chips

CENTRES = MaskSettings()


def masks_of(
    folder: Path,
    shapes: Sequence[BaseGeometry],
    grids: dict[str, ChipGrid | None],
    drawing: MaskSettings = CENTRES,
    empty: npt.NDArray[np.bool_] | None = None,
) -> PackedPlanes:
    """Masks of these shapes on these chips."""
    chips = write_chips(folder / "images", grids)
    return draw_masks(pack(chips, empty), chips, outlines_in(folder, shapes), drawing, folder / "masks")


def revectorised(mask: npt.NDArray[np.uint8], transform: Affine) -> BaseGeometry:
    """The mines of a mask as one geometry."""
    found = rasterio.features.shapes(mask, mask=mask == MINE, transform=transform)
    mines: BaseGeometry = unary_union([to_geometry(outline) for outline, _ in found])
    return mines


@settings(max_examples=10, deadline=None)
@given(
    centre=st.tuples(st.floats(100, 540), st.floats(100, 540)),
    radii=st.lists(st.floats(30, 250), min_size=5, max_size=12),
    hole=st.booleans(),
)
def test_area(
    tmp_path_factory: pytest.TempPathFactory, centre: tuple[float, float], radii: list[float], hole: bool
) -> None:
    angles = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    x, y = LEFT + centre[0] + np.cos(angles) * radii, TOP - centre[1] + np.sin(angles) * radii
    shape: BaseGeometry = shapely.Polygon(np.stack([x, y], axis=1))
    if hole:
        shape = shape.difference(shapely.Point(LEFT + centre[0], TOP - centre[1]).buffer(25))
    grid = utm_grid(64, 64)
    masks = masks_of(tmp_path_factory.mktemp("masks"), [shape], {"a.tif": grid})
    within = shape.intersection(shapely.box(*grid.bounds))
    again = revectorised(masks.array[0], grid.transform)
    assert abs(again.area - within.area) <= within.length * 10 / 2
    # Where they differ, they differ by no more than half a pixel's diagonal from the outline.
    assert again.difference(shape.buffer(7.08)).area < 1
    assert within.buffer(-7.08).difference(again).area < 1


def test_chip_in_degrees(tmp_path: Path) -> None:
    shape = square(LEFT + 200, TOP - 300, 303)
    polygons = outlines_in(tmp_path, [shape])
    west, _, _, north = polygons.geometry[0].bounds
    grid = degree_grid(64, 64, west - 20.5 * 9e-5, north + 30.5 * 9e-5)
    mask = masks_of(tmp_path, [shape], {"a.tif": grid}).array[0]
    assert (np.flatnonzero(mask.any(axis=0))[0], np.flatnonzero(mask.any(axis=1))[0]) in {(20, 30), (21, 31)}
    assert mask.sum() * pixel_hectares(grid) == pytest.approx(polygons.hectares[0], rel=0.05)


def test_parts_and_holes(tmp_path: Path) -> None:
    ring = square(LEFT + 20, TOP - 100, 60).difference(square(LEFT + 40, TOP - 80, 20))
    parts = shapely.MultiPolygon([square(LEFT + 100, TOP - 20, 10), square(LEFT + 120, TOP - 20, 10)])
    mask = masks_of(tmp_path, [ring, parts], {"a.tif": utm_grid(16, 16)}).array[0]
    expected = np.zeros((16, 16), dtype=np.uint8)
    expected[4:10, 2:8] = MINE
    expected[6:8, 4:6] = BACKGROUND
    expected[1, [10, 12]] = MINE
    np.testing.assert_array_equal(mask, expected)


def test_all_touched(tmp_path: Path) -> None:
    shape = square(LEFT + 26, TOP - 100, 48)
    for number, (all_touched, columns) in enumerate([(False, range(3, 7)), (True, range(2, 8))]):
        folder = tmp_path / str(number)
        folder.mkdir()
        drawing = MaskSettings(all_touched=all_touched)
        mask = masks_of(folder, [shape], {"a.tif": utm_grid(16, 16)}, drawing).array[0]
        assert np.flatnonzero(mask.any(axis=0)).tolist() == list(columns)


def test_missing_data_is_unknown(tmp_path: Path) -> None:
    empty = np.zeros((16, 16), dtype=bool)
    empty[:6] = True
    masks = masks_of(tmp_path, [square(LEFT, TOP - 100, 100)], {"a.tif": utm_grid(16, 16)}, empty=empty)
    assert (masks.array[0, :6] == UNKNOWN).all()
    assert (masks.array[0, 6:10, :10] == MINE).all()
    assert (masks.array[0, 10:] == BACKGROUND).all()


def test_table_of_masks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shapes = [
        square(LEFT + 20, TOP - 100, 40),
        square(LEFT + 31, TOP - 89, 2),  # under the first, and between centres
        square(LEFT + 20, TOP - 100, 10),  # under the first, but on a centre
        square(LEFT + 158, TOP - 100, 40),  # reaches in by 2 m
    ]
    grids: dict[str, ChipGrid | None] = {
        "a.tif": utm_grid(16, 16),
        "b.tif": None,
        "far.tif": utm_grid(16, 16, left=LEFT + 9_000),
    }
    empty = np.zeros((16, 16), dtype=bool)
    empty[:8] = True
    chips = write_chips(tmp_path / "images", grids)
    polygons = outlines_in(tmp_path, shapes)
    with caplog.at_level(logging.WARNING):
        masks = draw_masks(pack(chips, empty), chips, polygons, CENTRES, tmp_path / "masks")
    assert "1 of 3 chips have no place, and no mask." in caplog.text
    left_out = place_chips(chips, ["b.tif"]).left_out
    rows = describe_masks(masks, polygons, CENTRES, left_out).to_dict("records")
    assert [(row["filename"], row["verdict"]) for row in rows] == [
        ("a.tif", "accepted"), ("b.tif", "rejected"), ("far.tif", "accepted"),
    ]  # fmt: skip
    assert "b.tif has no CRS and no geotransform" in rows[1]["reason"]
    counts = ("polygons", "slivers", "mine_pixels", "known_pixels")
    assert [rows[0][name] for name in counts] == [4, 2, 8, 128]
    assert [rows[2][name] for name in counts] == [0, 0, 0, 128]
    assert (rows[0]["mine_share"], rows[0]["mine_hectares"]) == pytest.approx((8 / 128, 0.08))


def test_polygons_that_cover_all_chips(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    grids: dict[str, ChipGrid | None] = {f"{left}.tif": utm_grid(16, 16, left=LEFT + left) for left in (0, 160)}
    masks_of(tmp_path / "mines", [square(LEFT, TOP - 100, 50), square(LEFT + 160, TOP - 1000, 1000)], grids)
    assert "mine all over" not in caplog.text
    masks_of(tmp_path / "areas", [square(LEFT - 500, TOP - 1000, 2000)], grids)
    assert "All 2 chips that" in caplog.text
    assert "are mine all over" in caplog.text


def test_mask_across_the_antimeridian(tmp_path: Path) -> None:
    fiji = ChipGrid(CRS.from_epsg(32760), Affine(1000, 0, 812_000, 0, -1000, 8_150_000), 16, 16)
    folder = write_chips(tmp_path / "images", {"fiji.tif": fiji})
    polygons = outlines_in(tmp_path, [shapely.box(814_000, 8_136_000, 826_000, 8_148_000)], "EPSG:32760")
    masks = draw_masks(pack(folder), folder, polygons, MaskSettings(), tmp_path / "masks")
    assert (masks.array[0] == MINE).sum() == 12 * 12
    assert (masks.array[0][2:14, 2:14] == MINE).all()


def test_no_chip_with_coordinates(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"None of the 2 chips in .*images has coordinates"):
        masks_of(tmp_path, [square(LEFT, TOP - 100, 50)], {"a.tif": None, "b.tif": None})


def test_polygons_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"No polygon in .*mines\.gpkg meets any chip"):
        masks_of(tmp_path, [square(LEFT + 5_000, TOP, 50)], {"a.tif": utm_grid(16, 16)})


def test_changed_chip_size(tmp_path: Path) -> None:
    chips = write_chips(tmp_path / "images", {"a.tif": utm_grid(16, 16)})
    packed = pack(chips)
    write_chips(tmp_path / "images", {"a.tif": utm_grid(16, 20)})
    with pytest.raises(BadInputError, match=r"a\.tif is 20 × 16 pixels, but was packed with 16 × 16"):
        draw_masks(packed, chips, outlines_in(tmp_path, [square(LEFT, TOP - 100, 50)]), CENTRES, tmp_path / "masks")


def test_masks_of_other_chips(tmp_path: Path) -> None:
    packed = pack(write_chips(tmp_path / "images", {"a.tif": utm_grid(16, 16)}))
    good = np.zeros((1, 16, 16), dtype=np.uint8)
    check_masks(planes_in_memory(good, ["a.tif"], [utm_grid(16, 16)]), packed)
    with pytest.raises(BadInputError, match="masks of 8 × 16 pixels for chips of 16 × 16: run preprocessing again"):
        check_masks(planes_in_memory(good[:, :, :8], ["a.tif"], [utm_grid(16, 8)]), packed)
    with pytest.raises(BadInputError, match=r"1 chips that are not packed, such as x\.tif: run preprocessing again"):
        check_masks(planes_in_memory(good, ["x.tif"], [utm_grid(16, 16)]), packed)
    with pytest.raises(BadInputError, match="float32 values, which are no masks"):
        check_masks(planes_in_memory(good.astype(np.float32), ["a.tif"], [utm_grid(16, 16)]), packed)


@pytest.mark.real_chips
def test_real_tailings(real_chips: Path, tmp_path: Path) -> None:
    chips = ChipFolder(real_chips / "tailings_dams" / "images")
    polygons = read_mine_polygons(real_chips / "tailings_dams" / "tailings.gpkg")
    numbers = np.broadcast_to(np.ones((1, 1, 448, 448), dtype=np.uint16), (len(chips.filenames), 1, 448, 448))
    packed = PackedChips(numbers, chips.filenames, ("B4",), "")
    masks = draw_masks(packed, chips, polygons, CENTRES, tmp_path / "masks")
    index = PolygonIndex(polygons)
    for mask, grid in zip(masks.array, masks.grids, strict=True):
        united = shapely.union_all(index.on(grid)[1]).intersection(shapely.box(*grid.bounds))
        pixel = abs(grid.transform.determinant)
        assert abs((mask == MINE).sum() * pixel - united.area) <= united.length * pixel**0.5 / 2
        assert 0.005 < pixel_hectares(grid) < 0.02
    assert len(masks) == len(chips.filenames)
