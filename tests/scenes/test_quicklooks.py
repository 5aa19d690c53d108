"""Quicklooks of composites."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.quicklooks import read_quicklook
from support.chip_polygons import utm_grid
from support.composites import composite_at


def test_small_composite(tmp_path: Path) -> None:
    composite = composite_at(tmp_path, grid=utm_grid(20, 30), clear=4)
    quicklook = read_quicklook(composite, 700)
    with rasterio.open(composite.image) as image:
        red_green_blue = image.read([3, 2, 1])
    np.testing.assert_allclose(quicklook.visible, (red_green_blue - 1000.0) / 10_000, atol=1e-6)
    assert quicklook.clear_dates.tolist() == [[4] * 30] * 20


def test_large_composite(tmp_path: Path) -> None:
    composite = composite_at(tmp_path, grid=utm_grid(200, 400))
    quicklook = read_quicklook(composite, 40)
    assert quicklook.visible.shape == (3, 20, 40)
    assert quicklook.clear_dates.shape == (20, 40)
    with rasterio.open(composite.image) as image:
        expected = (image.read(3).mean() - 1000) / 10_000
    assert quicklook.visible[0].mean() == pytest.approx(expected, abs=1e-3)


def test_nodata(tmp_path: Path) -> None:
    empty = np.zeros((40, 40), dtype=bool)
    empty[:, :15] = True
    composite = composite_at(tmp_path, grid=utm_grid(40, 40), empty=empty)
    visible = read_quicklook(composite, 4).visible
    assert np.isnan(visible[:, :, 0]).all()
    assert not np.isnan(visible[:, :, 1:]).any()
    assert visible[:, :, 1].mean() == pytest.approx(visible[:, :, 2:].mean(), abs=0.03)


def test_clear_dates(tmp_path: Path) -> None:
    empty = np.zeros((300, 500), dtype=bool)
    empty[0, 0] = True
    composite = composite_at(tmp_path, grid=utm_grid(300, 500), clear=3, empty=empty)
    assert read_quicklook(composite, 10).pixels_by_clear_dates.tolist() == [1, 0, 0, 300 * 500 - 1]


def test_missing_composite(tmp_path: Path) -> None:
    composite = composite_at(tmp_path)
    composite.clear_dates.unlink()
    with pytest.raises(SceneError, match=r"The composite of north can't be read .* make it again"):
        read_quicklook(composite, 700)
