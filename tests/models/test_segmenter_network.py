"""Segmenters: raw reflectance in, probability for each pixel out."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from mining_the_mines.models.segmenter_network import pad_by_reflection
from support.networks import random_chips, small_outline_ensemble, small_segmenter, small_segmenter_spec


@settings(max_examples=6, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70))
def test_size_of_chips(height: int, width: int) -> None:
    probability = small_segmenter()(random_chips(2, size=70)[:, :, :height, :width])
    assert probability.shape == (2, height, width)
    assert ((probability >= 0) & (probability <= 1)).all()


def test_nodata() -> None:
    chips = random_chips()
    chips[0, 2, 5:9, 5:9] = float("nan")
    probability = small_segmenter()(chips)
    assert torch.equal(probability.isnan(), chips.isnan().any(dim=1))


@settings(max_examples=10, deadline=None)
@given(edge=st.integers(33, 63))
def test_padding(edge: int) -> None:
    images = torch.rand(1, 2, edge, edge)
    spare = 64 - edge
    expected = functional.pad(images, (spare // 2, spare - spare // 2) * 2, mode="reflect")
    assert torch.equal(pad_by_reflection(images, 32), expected)


@pytest.mark.parametrize("resolution", [0.3, 0.5, 2.0])
def test_resolution(resolution: float) -> None:
    chips = random_chips(size=45)
    assert small_segmenter(spec=small_segmenter_spec(resolution=resolution))(chips).shape == (3, 45, 45)


@settings(max_examples=4, deadline=None)
@given(turns=st.integers(0, 3), mirrored=st.booleans())
def test_symmetries(turns: int, mirrored: bool) -> None:
    ensemble, chips = small_outline_ensemble(1, "dihedral"), random_chips(size=40)
    turned, expected = torch.rot90(chips, turns, dims=(-2, -1)), torch.rot90(ensemble(chips), turns, dims=(-2, -1))
    if mirrored:
        turned, expected = turned.flip(-1), expected.flip(-1)
    torch.testing.assert_close(ensemble(turned), expected, rtol=1e-4, atol=1e-5)


def test_exported_ensemble() -> None:
    ensemble = small_outline_ensemble(1, "dihedral")
    sizes = ({0: torch.export.Dim("batch")},)
    exported = torch.export.export(ensemble, (random_chips(2, size=40),), dynamic_shapes=sizes).module()
    chips = random_chips(5, size=40, seed=1)
    chips[0, :, 3] = float("nan")
    torch.testing.assert_close(exported(chips), ensemble(chips), rtol=1e-4, atol=1e-5, equal_nan=True)
