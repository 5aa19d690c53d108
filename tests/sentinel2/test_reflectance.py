"""Reflectance survives being written as 16-bit numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mining_the_mines.sentinel2.reflectance import decode, encode

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)


@given(hnp.arrays(np.uint16, SHAPES))
def test_digital_numbers(numbers: np.ndarray) -> None:
    np.testing.assert_array_equal(encode(decode(numbers)), numbers)


@given(hnp.arrays(np.float32, SHAPES, elements=st.floats(-0.0625, 6, width=32)))
def test_precision(reflectance: np.ndarray) -> None:
    np.testing.assert_allclose(decode(encode(reflectance)), reflectance, atol=0.000051)


def test_encoding() -> None:
    values = np.array([0.0, 1.0, 0.1234, -0.05, np.nan, -5, 100, np.inf, -np.inf], np.float32)
    numbers = encode(values)
    np.testing.assert_array_equal(numbers, [1000, 11000, 2234, 500, 0, 1, 65535, 65535, 1])
    np.testing.assert_array_equal(np.isnan(decode(numbers)), np.isnan(values))
