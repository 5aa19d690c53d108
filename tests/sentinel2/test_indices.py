"""Spectral indices are what their papers say, on arrays and on tensors."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.indices import (
    DEFAULT_INDICES,
    LIMIT,
    all_normalised_differences,
    available_indices,
    check_indices,
    compute_index,
    index_formula,
    normalised_difference,
    required_bands,
)

PIXEL = {
    "B1": 0.04, "B2": 0.05, "B3": 0.08, "B4": 0.06, "B5": 0.1, "B6": 0.2, "B7": 0.25,
    "B8": 0.3, "B8A": 0.32, "B9": 0.3, "B11": 0.2, "B12": 0.1,
}  # fmt: skip
EXPECTED = {
    "NDVI": (0.3 - 0.06) / (0.3 + 0.06),
    "NDWI": (0.08 - 0.3) / (0.08 + 0.3),
    "MNDWI": (0.08 - 0.2) / (0.08 + 0.2),
    "NDMI": (0.3 - 0.2) / (0.3 + 0.2),
    "EVI": 2.5 * (0.3 - 0.06) / (0.3 + 6 * 0.06 - 7.5 * 0.05 + 1),
    "BI": ((0.2 + 0.06) - (0.3 + 0.05)) / ((0.2 + 0.06) + (0.3 + 0.05)),
    "NBR": (0.3 - 0.1) / (0.3 + 0.1),
    "MSI": 0.2 / 0.3,
    "ENDMI": ((0.3 + 0.32) - (0.2 + 0.1)) / ((0.3 + 0.32) + (0.2 + 0.1)),
}


def bands_of(values: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(COMPETITION_BANDS, values, strict=True))


@pytest.mark.parametrize("name", DEFAULT_INDICES)
def test_formulas(name: str) -> None:
    bands = {band: np.array([value]) for band, value in PIXEL.items()}
    assert compute_index(name, bands)[0] == pytest.approx(EXPECTED[name])


def test_tensors() -> None:
    values = np.random.default_rng(0).uniform(0.001, 0.6, (12, 5, 5))
    tensors = dict(zip(COMPETITION_BANDS, torch.from_numpy(values), strict=True))
    for name in available_indices(COMPETITION_BANDS):
        index = compute_index(name, bands_of(values))
        np.testing.assert_allclose(compute_index(name, tensors).numpy(), index, atol=1e-12, err_msg=name)


@given(hnp.arrays(np.float32, (12, 3), elements=st.floats(-0.125, 2, width=32)), st.sampled_from(DEFAULT_INDICES))
def test_limits(values: np.ndarray, name: str) -> None:
    index = compute_index(name, bands_of(values))
    assert np.isfinite(index).all()
    assert np.abs(index).max() <= LIMIT
    assert index.dtype == np.float32


def test_zero_nodata_and_negative_reflectance() -> None:
    assert compute_index("NDVI", {"B8": np.zeros(1), "B4": np.zeros(1)})[0] == 0
    assert np.isnan(compute_index("EVI", {band: np.full(1, np.nan) for band in PIXEL})).all()
    bands = {band: np.full(1, -0.01) for band in COMPETITION_BANDS}
    assert not any(np.isnan(compute_index(name, bands)).any() for name in available_indices(COMPETITION_BANDS))


def test_unknown_indices_and_missing_bands() -> None:
    with pytest.raises(BadInputError, match=r"'NDXI'.*NDVI, NDWI"):
        compute_index("NDXI", {})
    with pytest.raises(BadInputError, match=r"ENDMI needs B8A, B11, B12.*NDVI"):
        check_indices(("NDVI", "ENDMI"), ("B2", "B3", "B4", "B8"))
    with pytest.raises(BadInputError, match="NBR needs B12"):
        compute_index("NBR", {"B8": np.ones(1)})
    with pytest.raises(BadInputError, match="none of the usual"):
        check_indices(("NDVI",), ("B2", "B3", "B4"))


def test_available_indices() -> None:
    possible = available_indices(("B4", "B8"))
    assert "NDVI" in possible
    assert all(set(required_bands(name)) <= {"B4", "B8"} for name in possible)
    assert index_formula("NBR").long_name == "Normalized Burn Ratio"


def test_normalised_differences() -> None:
    bands = {"B3": np.array([0.1]), "B8": np.array([0.3]), "B11": np.array([0.2])}
    differences = all_normalised_differences(bands)
    assert list(differences) == ["ND_B3_B8", "ND_B3_B11", "ND_B8_B11"]
    assert differences["ND_B3_B8"] == pytest.approx(-0.5)
    assert normalised_difference(bands["B8"], bands["B11"]) == pytest.approx(0.2)
