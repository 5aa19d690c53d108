"""Small maps of probability: drawn by hand, or by chance."""

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from rasterio.crs import CRS
from scipy import ndimage

from mining_the_mines.geo.grid import ChipGrid
from support.segmenters import UTM, grid_of

#: 0 is ground, 1 mine, 2 without data.
PICTURES = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.integers(0, 2))


def picture(*rows: str) -> npt.NDArray[np.float32]:
    """Probabilities from a drawing: # is 0.9, + is 0.6, . is 0.1, ? has no data."""
    values = {"#": 0.9, "+": 0.6, ".": 0.1, "?": np.nan}
    return np.array([[values[letter] for letter in row] for row in rows], dtype=np.float32)


def grid_for(probability: npt.NDArray[np.float32], crs: CRS = UTM) -> ChipGrid:
    """Where such a map may lie."""
    return grid_of(crs, *probability.shape)


@st.composite
def likely_pixels(draw: st.DrawFn, max_side: int) -> npt.NDArray[np.float32]:
    """Probabilities as a network gives them: smooth or ragged, in single precision, with nodata here and there."""
    height, width = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    smooth = ndimage.gaussian_filter(random.standard_normal((height, width)), draw(st.sampled_from([0, 0.5, 1, 2])))
    probability: npt.NDArray[np.float32] = ((smooth - smooth.min()) / max(np.ptp(smooth), 1e-9)).astype(np.float32)
    probability[random.random((height, width)) < draw(st.sampled_from([0, 0.01, 0.1]))] = np.nan
    return probability
