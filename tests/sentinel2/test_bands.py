"""Names of bands."""

import pytest

from mining_the_mines.sentinel2.bands import COMPETITION_BANDS, canonical_band_name, name_bands


@pytest.mark.parametrize(
    ("description", "band"),
    [
        ("B2", "B2"),
        ("b02", "B2"),
        ("B8A", "B8A"),
        ("B8_A", "B8A"),
        ("Band 4", "B4"),
        ("nir", "B8"),
        ("nir08", "B8A"),
        ("nbart_nir_2", "B8A"),
        ("sur_refl_B08", "B8"),
        (" B12 ", "B12"),
        ("swir16", "B11"),
        ("SWIR 2", "B12"),
        ("rededge1", "B5"),
        ("Red Edge 3", "B7"),
        ("vegetation_red_edge_2", "B6"),
        ("Coastal aerosol", "B1"),
        ("Water vapour", "B9"),
        ("B4_median", "B4"),
        ("red_p50", "B4"),
        ("0_B11", "B11"),
        ("20210712T140051_20210712T140054_T21MUN_B8A", "B8A"),
        ("B04_10m", "B4"),
        ("Red (664.6 nm)", "B4"),
        ("B3 - Green", "B3"),
    ],
)
def test_spellings(description: str, band: str) -> None:
    assert canonical_band_name(description) == band


@pytest.mark.parametrize(
    "description",
    [
        None, "", "elevation", "B13", "B123", "NDVI", "red edge", "infrared", "B8/B4", "(B8-B4)/(B8+B4)", "B4_stdDev",
        "count B4", "TCI red", "B3 red", "mask", "Gray",
    ],
)  # fmt: skip
def test_no_band(description: str | None) -> None:
    assert canonical_band_name(description) is None


@pytest.mark.parametrize("pattern", ["Band {}", "Band_{}", "band {:02}", "b{}", "Layer_{}", "BAND {}"])
def test_numbers_of_a_file_are_no_names(pattern: str) -> None:
    numbers = [pattern.format(place) for place in range(1, 5)]
    assert name_bands(numbers) == (None,) * 4


@pytest.mark.parametrize(
    ("descriptions", "names"),
    [
        (["Band 2", "Band 3", "Band 4", "Band 8"], ("B2", "B3", "B4", "B8")),
        (["Band 1: Blue", "Band 2: Green", "Band 3: Red", "Band 4: NIR"], ("B2", "B3", "B4", "B8")),
        (["B1", "B2", "B3"], ("B1", "B2", "B3")),
        (["nbart_swir_2", "nbart_swir_3"], ("B11", "B12")),
        (["RED", "BROADNIR", "NIR", "SWIR1"], ("B4", "B8", "B8A", "B11")),
        (["RED", "NIR"], ("B4", "B8")),
        (["swir_1", "swir_2"], ("B11", "B12")),
        (["B2", "Band 2", None], ("B2", None, None)),
        ([f"Band {name[1:]}" for name in COMPETITION_BANDS], COMPETITION_BANDS),
    ],
)
def test_names_beside_each_other(descriptions: list[str | None], names: tuple[str | None, ...]) -> None:
    assert name_bands(descriptions) == names
