"""Offsets that pixels show."""

import numpy as np
import pytest
import rasterio

from conftest import REAL_CHIPS
from mining_the_mines.sentinel2.offset_checks import offset_left_in, offset_taken_twice


@pytest.mark.real_chips
def test_offset_left_in() -> None:
    with rasterio.open(REAL_CHIPS / "para_12band" / "para.tif") as file:
        assert offset_left_in(file.read(), file.descriptions)
        assert not offset_left_in(file.read() - 0.1, file.descriptions)


@pytest.mark.real_chips
@pytest.mark.parametrize("folder", ["amazon_mines", "tailings_dams"])
def test_good_chips(folder: str) -> None:
    missed = 0
    chips = sorted((REAL_CHIPS / folder / "images").glob("*.tif"))
    for chip in chips:
        with rasterio.open(chip) as file:
            numbers, bands = file.read(), file.descriptions
        reflectance = np.where(numbers == 0, np.nan, numbers / np.float32(10000)).astype(np.float32)
        assert not offset_left_in(reflectance, bands), chip.name
        assert not offset_taken_twice(reflectance, bands), chip.name
        missed += not offset_taken_twice(reflectance - np.float32(0.1), bands)
    assert missed <= 0.02 * len(chips)


@pytest.mark.parametrize(
    ("name", "spectrum"),
    [
        ("desert", {"B2": 0.13, "B4": 0.28, "B8": 0.38, "B11": 0.5, "B12": 0.45}),
        ("snow", {"B2": 0.9, "B4": 0.9, "B8": 0.8, "B11": 0.12, "B12": 0.1}),
        ("bright water", {"B2": 0.12, "B4": 0.14, "B8": 0.06, "B11": 0.01, "B12": 0.01}),
        ("true colour", {"B2": 0.11, "B3": 0.12, "B4": 0.11}),
        ("infrared alone", {"B8": 0.11, "B11": 0.12}),
    ],
)
def test_bright_ground(name: str, spectrum: dict[str, float]) -> None:
    reflectance = np.tile(np.array(list(spectrum.values()), np.float32)[:, None, None], (1, 5, 5))
    assert not offset_left_in(reflectance, tuple(spectrum)), name
    assert not offset_taken_twice(reflectance, tuple(spectrum)), name
