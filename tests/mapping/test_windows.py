"""Windows: every pixel is covered, weights add up to one, and the outside is a mirror image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining_the_mines.mapping.settings import Blend
from mining_the_mines.mapping.windows import AxisWindows, cut_axis


@st.composite
def axes(draw: st.DrawFn, *, whole: bool | None = None) -> AxisWindows:
    """An axis cut in any way that the settings allow."""
    length, window = draw(st.integers(1, 300)), draw(st.integers(8, 96))
    overlap = draw(st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.9]) | st.floats(0, 0.97))
    blend: Blend = draw(st.sampled_from(["cosine", "crop"]))
    return cut_axis(length, window, overlap, blend, whole=draw(st.booleans()) if whole is None else whole)


@given(axes())
def test_weights(axis: AxisWindows) -> None:
    total = np.zeros(axis.length)
    for number, start in enumerate(axis.starts):
        first, end = axis.inside(number)
        total[first:end] += axis.weights[number][first - start : end - start]
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert (axis.weights >= 0).all()
    assert axis.weights.shape == (len(axis.starts), axis.window)
    if axis.blend == "crop":
        assert set(np.unique(axis.weights)) <= {0, 1}


@given(axes())
def test_order(axis: AxisWindows) -> None:
    assert list(axis.starts) == sorted(set(axis.starts))
    for number in range(len(axis.starts)):
        first, end = axis.inside(number)
        assert 0 <= first < end <= axis.length


@given(axes())
def test_mirrored_outside(axis: AxisWindows) -> None:
    first, end = axis.starts[0], axis.starts[-1] + axis.window
    before, behind = max(0, -first), max(0, end - axis.length)
    # numpy mirrors about the first and the last pixel, as often as need be
    expected = np.pad(np.arange(axis.length), (before, behind), mode="reflect")[first + before : end + before]
    np.testing.assert_array_equal(axis.mirrored(first, end), expected)


@given(axes())
def test_mirrored_window_needs_its_own_pixels(axis: AxisWindows) -> None:
    for number, start in enumerate(axis.starts):
        first, end = axis.inside(number)
        taken = axis.mirrored(start, start + axis.window)
        assert taken.min() >= first
        assert taken.max() < end


@given(axes(whole=False))
def test_small_scene(axis: AxisWindows) -> None:
    if len(axis.starts) == 1:
        assert axis.window == axis.length
        assert axis.starts == (0,)


@pytest.mark.parametrize("blend", ["cosine", "crop"])
def test_rims_have_context(blend: Blend) -> None:
    axis = cut_axis(1000, 256, 0.5, blend)
    assert axis.starts[0] == -64
    assert axis.starts[-1] + 256 == 1000 + 64


def test_overlap() -> None:
    starts = cut_axis(10_980, 256, 0.25, "cosine").starts
    assert set(np.diff(starts[:-1])) == {192}
    assert 0 < starts[-1] - starts[-2] <= 192
