"""Dates of made-up ground, for tests of composites."""

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

Numbers = npt.NDArray[np.uint16]
Mask = npt.NDArray[np.bool_]


@st.composite
def dates_and_sky(draw: st.DrawFn, most_dates: int = 9, most_bands: int = 3) -> tuple[Numbers, Mask]:
    """Digital numbers (dates, bands, height, width), with no data and ties among them, and where they are clear."""
    dates, bands = draw(st.integers(1, most_dates)), draw(st.integers(1, most_bands))
    height, width = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    values = st.sampled_from([0, 1, 2, 3, 1000, 1001, 65534, 65535]) | st.integers(0, 65535)
    numbers = draw(hnp.arrays(np.uint16, (dates, bands, height, width), elements=values))
    return numbers, draw(hnp.arrays(np.bool_, (dates, height, width)))


def random_dates(dates: int, bands: int = 2, size: int = 8, masked: float = 0.35) -> tuple[Numbers, Mask]:
    """Many different numbers, some masked at random, a few without data in one band."""
    random = np.random.default_rng(dates)
    numbers = random.integers(1, 6000, (dates, bands, size, size)).astype(np.uint16)
    numbers[random.random(numbers.shape) < 0.02] = 0
    return numbers, random.random((dates, size, size)) >= masked
