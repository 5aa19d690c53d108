"""Reflectance survives being written as 16-bit numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mining_the_mines.sentinel2.reflectance import decode, encode

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)


@given(hnp.arrays(np.uint16, SHAPES))
def test_every_digital_number_survives_decoding_and_encoding(numbers: np.ndarray) -> None:
    np.testing.assert_array_equal(encode(decode(numbers)), numbers)


@given(hnp.arrays(np.float32, SHAPES, elements=st.floats(-0.0625, 6, width=32)))
def test_reflectance_is_kept_to_half_ten_thousandth(reflectance: np.ndarray) -> None:
    np.testing.assert_allclose(decode(encode(reflectance)), reflectance, atol=0.000051)


def test_numbers_follow_esa_since_processing_baseline_4() -> None:
    np.testing.assert_array_equal(encode(np.array([0.0, 1.0, 0.1234, -0.05], np.float32)), [1000, 11000, 2234, 500])


def test_no_data_stays_no_data() -> None:
    numbers = encode(np.array([np.nan, 0.2], np.float32))
    assert numbers[0] == 0
    np.testing.assert_array_equal(np.isnan(decode(numbers)), [True, False])


def test_values_beyond_numbers_are_clipped_and_never_turn_into_no_data() -> None:
    np.testing.assert_array_equal(encode(np.array([-5, 100, np.inf, -np.inf], np.float32)), [1, 65535, 65535, 1])
