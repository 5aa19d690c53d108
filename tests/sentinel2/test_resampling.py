"""Bands of 20 and 60 m on the grid of 10 m."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import zoom

from mining_the_mines.sentinel2.resampling import interpolate, nest

Numbers = npt.NDArray[np.uint16]
FACTORS = (2, 6)


def picture(seed: int, height: int, width: int, missing: float = 0) -> Numbers:
    """Digital numbers of the whole range, some of them missing."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(1, 65536, (height + 2, width + 2)).astype(np.uint16)
    numbers[rng.random(numbers.shape) < missing] = 0
    return numbers


@pytest.mark.parametrize("factor", FACTORS)
@given(seed=st.integers(0, 999), height=st.integers(1, 80), width=st.integers(1, 12))
def test_interpolation(factor: int, seed: int, height: int, width: int) -> None:
    coarse = picture(seed, height, width)
    expected = zoom(coarse.astype(np.float64), factor, order=1, mode="nearest", grid_mode=True)
    inner = expected[factor:-factor, factor:-factor]
    assert np.abs(interpolate(coarse, factor) - inner).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("factor", FACTORS)
def test_divided_image(factor: int) -> None:
    coarse = picture(3, 150, 300, missing=0.05)
    whole = interpolate(coarse, factor)
    left, right = interpolate(coarse[:, :103], factor), interpolate(coarse[:, 101:], factor)
    np.testing.assert_array_equal(np.hstack([left, right]), whole)


@pytest.mark.parametrize("factor", FACTORS)
def test_nodata(factor: int) -> None:
    coarse = picture(5, 40, 50, missing=0.3)
    fine = interpolate(coarse, factor)
    np.testing.assert_array_equal(fine != 0, nest(coarse[1:-1, 1:-1] != 0, factor))


def test_neighbours_without_data() -> None:
    coarse = np.full((5, 5), 4000, np.uint16)
    coarse[2, 2] = 0
    fine = interpolate(coarse, 2)
    assert set(np.unique(fine)) == {0, 4000}


@pytest.mark.parametrize("factor", [2, 3, 6])
@pytest.mark.parametrize("missing", [0.02, 0.3])
def test_mean_of_the_known(factor: int, missing: float) -> None:
    coarse = picture(7, 12, 15, missing)
    fine = interpolate(coarse, factor)
    for row, column in itertools.product(*map(range, fine.shape)):
        pixel, weights = (
            coarse[row // factor :, column // factor :][:3, :3],
            weigh(row % factor, column % factor, factor),
        )
        known = int((weights * (pixel != 0)).sum())
        expected = (int((weights * pixel).sum()) + known // 2) // known if pixel[1, 1] else 0
        assert fine[row, column] == expected


def weigh(row: int, column: int, factor: int) -> npt.NDArray[np.int64]:
    """Bilinear weights of 3 × 3 coarse pixels for a fine pixel of the middle one."""
    down, across = (
        np.maximum(0, 2 * factor - np.abs(2 * place + 1 - factor - 2 * factor * np.arange(-1, 2)))
        for place in (row, column)
    )
    return np.outer(down, across)
