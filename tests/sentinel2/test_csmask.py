"""Clouds and shadows by networks, window by window."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import gaussian_filter

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.sentinel2 import csmask
from mining_the_mines.sentinel2.csmask import CELL, Level, classify
from mining_the_mines.sentinel2.scene_classification import SceneClass

Image = npt.NDArray[np.float32]
NAMES = ["blue", "green", "red", "nir", "swir16", "swir22"]


def image(height: int, width: int, bands: int = 6) -> Image:
    """Smooth patches of all brightnesses."""
    noise = np.random.default_rng(0).normal(size=(bands, height, width))
    smooth = gaussian_filter(noise, (0, 8, 8))
    pixels: Image = (0.25 + 0.2 * smooth / smooth.std()).clip(0.01, 1).astype(np.float32)
    return pixels


def classified(pixels: Image, rows: slice | None = None, columns: slice | None = None, level: Level = "l2a") -> Any:
    bands, height, width = pixels.shape
    whole = rows or slice(0, height), columns or slice(0, width)
    return classify(lambda down, across: pixels[:, down, across], (height, width), *whole, bands, level)


def by_the_package(pixels: Image, level: Level = "l2a") -> Any:
    from ukis_csmask.mask import CSmask

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of small images
        found = CSmask(
            np.moveaxis(pixels, 0, -1).copy(), NAMES[: len(pixels)], level, providers=["CPUExecutionProvider"]
        )
    codes = [SceneClass.UNCLASSIFIED, SceneClass.CLOUD_HIGH_PROBABILITY, SceneClass.CLOUD_SHADOW]
    return np.array(codes)[found.csm[..., 0]]


@pytest.mark.parametrize(
    ("pixels", "level"),
    [(image(230, 100), "l2a"), (image(60, 80, bands=4), "l1c")],
    ids=["six bands, two tiles", "four bands, level 1C"],
)
def test_as_the_package_itself(pixels: Image, level: Level) -> None:
    found = classified(pixels, level=level)
    assert len(np.unique(found)) > 1
    np.testing.assert_array_equal(found, by_the_package(pixels, level))


def test_windows_are_those_of_the_whole() -> None:
    pixels = image(CELL + 20, 2 * CELL + 10)
    whole = classified(pixels)
    for rows in (slice(0, CELL), slice(CELL, CELL + 20)):
        for columns in (slice(0, CELL), slice(CELL, 2 * CELL + 10)):
            np.testing.assert_array_equal(classified(pixels, rows, columns), whole[rows, columns])


def test_no_data() -> None:
    pixels = image(40, 40)
    pixels[:, :10] = np.nan
    pixels[0, 20] = np.nan  # one band of six
    found = classified(pixels)
    assert (found[:10] == SceneClass.NO_DATA).all()
    assert (found[10:] != SceneClass.NO_DATA).all()


def test_nothing_but_no_data() -> None:
    assert (classified(np.full((6, 30, 30), np.nan, np.float32)) == SceneClass.NO_DATA).all()


def test_package_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csmask, "find_spec", lambda _: None)
    with pytest.raises(
        BadInputError, match=r'is not installed: install it with pip install "ukis-csmask\[cpu\]~=1\.0"'
    ):
        csmask.require_csmask()
