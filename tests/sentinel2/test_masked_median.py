"""The median over clear dates is NumPy's, bit for bit, and its network sorts."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings

from mining_the_mines.sentinel2.masked_median import masked_median, median_network, middle
from support.dates import Mask, Numbers, dates_and_sky, random_dates


def median_by_numpy(numbers: Numbers, clear: Mask) -> np.ndarray:
    values = np.where(clear[:, None] & (numbers != 0), numbers, np.nan).astype(np.float32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice")
        return np.asarray(np.nanmedian(values, axis=0))


def assert_same(median: np.ndarray, expected: np.ndarray) -> None:
    assert median.dtype == np.float32
    np.testing.assert_array_equal(median, expected)


@given(dates_and_sky())
@settings(max_examples=60, deadline=None)
def test_median(dates: tuple[Numbers, Mask]) -> None:
    assert_same(masked_median(*dates), median_by_numpy(*dates))


@pytest.mark.parametrize("dates", [1, 2, 5, 12, 17, 33, 48, 130])
@pytest.mark.parametrize("masked", [0.0, 0.35, 0.95])
def test_many_dates(dates: int, masked: float) -> None:
    numbers, clear = random_dates(dates, masked=masked)
    assert_same(masked_median(numbers, clear), median_by_numpy(numbers, clear))


def test_highest_number() -> None:
    numbers = np.array([65535, 65535, 9], np.uint16).reshape(3, 1, 1, 1)
    assert masked_median(numbers, np.array([True, True, False]).reshape(3, 1, 1)) == 65535


def test_views() -> None:
    numbers, clear = random_dates(6, bands=4, size=10)
    before, sky = numbers.copy(), clear.copy()
    part = masked_median(numbers[:, ::2, 1:, 2:7], clear[:, 1:, 2:7])
    assert_same(part, median_by_numpy(numbers[:, ::2, 1:, 2:7], clear[:, 1:, 2:7]))
    np.testing.assert_array_equal(numbers, before)
    np.testing.assert_array_equal(clear, sky)


@pytest.mark.parametrize("dates", range(1, 13))
def test_network(dates: int) -> None:
    """By the 0-1 principle, a network that sorts all sequences of zeros and ones sorts everything (Knuth, 5.3.4)."""
    wires = np.array(list(itertools.product([0, 1], repeat=dates)), np.uint8).T
    expected = np.sort(wires, axis=0)
    for first, second, lower, higher in median_network(dates):
        low, high = np.minimum(wires[first], wires[second]), np.maximum(wires[first], wires[second])
        wires[first] = low if lower else 255  # what is said to be not needed, must not be
        wires[second] = high if higher else 255
    np.testing.assert_array_equal(wires[list(middle(dates))], expected[list(middle(dates))])
