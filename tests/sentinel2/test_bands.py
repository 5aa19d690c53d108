"""Names of bands."""

import pytest

from mining_the_mines.sentinel2.bands import canonical_band_name


@pytest.mark.parametrize(
    ("description", "band"),
    [
        ("B2", "B2"),
        ("b02", "B2"),
        ("B8A", "B8A"),
        ("Band 4", "B4"),
        ("nir", "B8"),
        ("sur_refl_B08", "B8"),
        (" B12 ", "B12"),
        ("swir16", "B11"),
    ],
)
def test_spellings(description: str, band: str) -> None:
    assert canonical_band_name(description) == band


@pytest.mark.parametrize("description", [None, "", "elevation", "B13", "B123", "NDVI"])
def test_no_band(description: str | None) -> None:
    assert canonical_band_name(description) is None
