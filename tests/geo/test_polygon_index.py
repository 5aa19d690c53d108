"""Outlines are found by chip, and found to be elsewhere."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.geo.polygon_index import PolygonIndex, check_coverage
from support.chip_polygons import LEFT, TOP, degree_grid, outlines_in, square, utm_grid

GRID = utm_grid(16, 16)


def test_only_outlines_that_touch_a_chip_are_brought_to_it(tmp_path: Path) -> None:
    shapes = [
        square(LEFT + 5_000, TOP, 50),
        square(LEFT + 20, TOP - 100, 50),
        square(LEFT - 30, TOP - 100, 50),
        square(LEFT + 160.5, TOP - 100, 50),  # its box in degrees meets the chip's, which is turned a little
    ]
    positions, polygons = PolygonIndex(outlines_in(tmp_path, shapes)).on(GRID)
    assert positions.tolist() == [1, 2]
    assert polygons[0].hausdorff_distance(shapes[1]) < 0.01


def test_a_chip_that_is_turned_has_no_corners_of_its_box(tmp_path: Path) -> None:
    turned = Affine.translation(LEFT, TOP) @ Affine.rotation(45) @ Affine.scale(10, -10)
    grid = ChipGrid(GRID.crs, turned, 16, 16)
    left, bottom, _, _ = grid.bounds
    outlines = outlines_in(tmp_path, [square(left, bottom, 20), square(LEFT + 100, TOP - 5, 10)])
    assert PolygonIndex(outlines).on(grid)[0].tolist() == [1]


def test_an_outline_as_large_as_a_continent_reaches_a_projection_that_has_no_room_for_it(tmp_path: Path) -> None:
    outlines = outlines_in(tmp_path, [shapely.box(-179, -80, 179, 80)], crs="EPSG:4326")
    positions, polygons = PolygonIndex(outlines).on(GRID)
    assert positions.tolist() == [0]
    assert polygons[0].covers(shapely.box(*GRID.bounds))
    assert polygons[0].area < 4 * shapely.box(*GRID.bounds).area


def test_outlines_and_chips_on_the_same_ground_pass(tmp_path: Path) -> None:
    index = PolygonIndex(outlines_in(tmp_path, [square(LEFT + 20, TOP - 100, 50)]))
    check_coverage(index, [utm_grid(16, 16, left=800_000), GRID])


@pytest.mark.parametrize(
    ("move", "hint"),
    [
        (lambda x, y: (x, -y), "with latitudes of the other sign they would meet, .* in the wrong hemisphere"),
        (lambda x, y: (-x, y), "with longitudes of the other sign they would meet"),
        (lambda x, y: (-x, -y), "with both coordinates of the other sign they would meet"),
        (lambda x, y: (y, x), "with latitude and longitude swapped they would meet"),
        (lambda x, y: (x + 20, y + 3), "check that they belong together"),
    ],
)
def test_outlines_elsewhere_are_told_with_both_extents_and_a_hint(tmp_path: Path, move: object, hint: str) -> None:
    grid = degree_grid(16, 16)
    there = np.array(move(*shapely.box(*grid.bounds).centroid.coords[0]))  # type: ignore[operator]
    outlines = outlines_in(tmp_path, [shapely.Point(there).buffer(1e-4)], crs="EPSG:4326")
    with pytest.raises(BadInputError, match=hint) as caught:
        check_coverage(PolygonIndex(outlines), [grid])
    assert "mines.gpkg meets any chip: the outlines lie in longitude" in str(caught.value)
    assert "the chips in longitude -57.000 to -56.999 and latitude -5.401 to -5.400" in str(caught.value)


def test_other_datums_are_brought_together(tmp_path: Path) -> None:
    sirgas = ChipGrid(CRS.from_epsg(31981), GRID.transform, 16, 16)  # SIRGAS 2000, UTM zone 21 S
    outlines = outlines_in(tmp_path, [square(LEFT + 20, TOP - 100, 50)])
    assert PolygonIndex(outlines).on(sirgas)[1][0].hausdorff_distance(square(LEFT + 20, TOP - 100, 50)) < 1
