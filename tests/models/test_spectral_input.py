"""The first layer: normalised bands, spectral indices, nodata."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.spectral_input import SpectralInput
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.indices import DEFAULT_INDICES, compute_index
from support.networks import SIX_BANDS, random_chips, random_reflectance, scale_of


def test_normalisation() -> None:
    scale = scale_of(SIX_BANDS)
    ends = torch.tensor([scale.low, scale.high]).view(2, -1, 1, 1)
    shown = SpectralInput(scale, ())(ends)
    torch.testing.assert_close(shown[0], torch.full((6, 1, 1), -1.645), rtol=0, atol=1e-3)
    torch.testing.assert_close(shown[1], torch.full((6, 1, 1), 1.645), rtol=0, atol=1e-3)


def test_indices_equal_features() -> None:
    reflectance = random_reflectance(bands=len(COMPETITION_BANDS))
    layer = SpectralInput(scale_of(COMPETITION_BANDS), DEFAULT_INDICES)
    shown = layer(torch.from_numpy(reflectance)).numpy()[:, len(COMPETITION_BANDS) :]
    planes = {band: reflectance[:, position] for position, band in enumerate(COMPETITION_BANDS)}
    for position, index in enumerate(DEFAULT_INDICES):
        np.testing.assert_allclose(shown[:, position], compute_index(index, planes), rtol=1e-4, atol=1e-5)


@settings(deadline=None)
@given(st.integers(0, 5), st.sampled_from([float("nan"), float("inf"), -float("inf")]))
def test_nodata_is_zero(band: int, gap: float) -> None:
    chips = random_chips(size=8)
    chips[1, band, 2, 3] = gap
    shown = SpectralInput(scale_of(SIX_BANDS), ("NDVI", "MSI"))(chips)
    assert (shown[1, :, 2, 3] == 0).all()


def test_dark_pixels() -> None:
    layer = SpectralInput(scale_of(COMPETITION_BANDS), DEFAULT_INDICES)
    assert layer(torch.zeros(1, len(COMPETITION_BANDS), 4, 4)).isfinite().all()


def test_index_without_its_band() -> None:
    with pytest.raises(BadInputError, match=r"NBR needs B12, .* network\.indices"):
        SpectralInput(scale_of(("B3", "B4", "B8")), ("NDVI", "NBR"))
