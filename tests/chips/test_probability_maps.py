"""Maps lie where the masks of their chips lie."""

from pathlib import Path

import numpy as np
import pytest

from mining_the_mines.chips.planes import PackedPlanes, open_planes, planes_in_memory, write_planes
from mining_the_mines.chips.probability_maps import stream_maps
from mining_the_mines.core.errors import BadInputError
from support.chip_polygons import utm_grid

SIZE = 8
NAMES = ("a.tif", "b.tif", "c.tif")


def masks() -> PackedPlanes:
    """Three chips side by side."""
    grids = [utm_grid(SIZE, SIZE, left=500_000 + 80 * number) for number in range(3)]
    return planes_in_memory(np.zeros((3, SIZE, SIZE), np.uint8), NAMES, grids)


def test_a_map_gets_the_grid_of_its_chip_whatever_the_order(tmp_path: Path) -> None:
    maps = np.stack([np.full((SIZE, SIZE), value) for value in (0.75, 0.25)])
    maps[1, 0, 0] = np.nan
    write_planes(stream_maps(masks(), ["c.tif", "a.tif"], maps), tmp_path / "maps")
    stored = open_planes(tmp_path / "maps")
    assert stored.filenames == ("c.tif", "a.tif")
    assert stored.grids == (masks().grids[2], masks().grids[0])
    np.testing.assert_array_equal(stored.array, maps)


def test_half_precision_keeps_three_digits() -> None:
    maps = np.random.default_rng(0).uniform(0, 1, (1, SIZE, SIZE))
    (stored,) = stream_maps(masks(), ["b.tif"], maps)
    assert stored.dtype == np.float16
    np.testing.assert_allclose(stored.astype(np.float64), maps[0], atol=5e-4)


def test_no_chip_makes_no_map(tmp_path: Path) -> None:
    write_planes(stream_maps(masks(), [], np.empty((0, SIZE, SIZE))), tmp_path / "maps")
    assert len(open_planes(tmp_path / "maps")) == 0
    assert open_planes(tmp_path / "maps").size == (SIZE, SIZE)


def test_a_map_of_a_chip_without_mask_has_no_place() -> None:
    with pytest.raises(
        BadInputError, match=r"^d.tif is not among the 3 chips of these planes: run preprocessing again"
    ):
        stream_maps(masks(), ["a.tif", "d.tif"], np.zeros((2, SIZE, SIZE)))
