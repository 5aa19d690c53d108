"""The feature table holds what its columns say."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
import torch
from pydantic import ValidationError

from mining_the_mines.chips.feature_program import FeatureProgram
from mining_the_mines.chips.features import FeatureSettings, extract_features
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.indices import DEFAULT_INDICES
from support.chip_files import BANDS, ground, packed_chips

SETTINGS = FeatureSettings(
    families=("moments", "percentiles", "texture", "patchiness"), indices=("NDVI", "BI"), percentiles=(5, 50, 95)
)


def chip_features(chip: npt.NDArray[np.float32], bands: tuple[str, ...], settings: FeatureSettings) -> dict[str, float]:
    """Features of one chip by name."""
    program = FeatureProgram(bands, settings, chip.shape[-1])
    return dict(zip(program.names, program(torch.from_numpy(chip[None]))[0].tolist(), strict=True))


def test_the_table_has_a_row_a_chip_and_names_that_say_what_it_holds() -> None:
    table = extract_features(packed_chips(3), SETTINGS)
    assert table.index.tolist() == ["chip_0.tif", "chip_1.tif", "chip_2.tif"]
    assert table.index.name == "filename"
    figures = ("mean", "std", "p5", "p50", "p95", "texture", "patchiness")
    assert set(table.columns) == {
        f"{plane}_{figure}" for plane, figure in itertools.product((*BANDS, "NDVI", "BI"), figures)
    }
    assert (table.dtypes == "float32").all()


@pytest.mark.parametrize("gaps", [False, True])
def test_features_are_the_figures_of_the_pixels(gaps: bool) -> None:
    chip = ground(1)
    if gaps:
        chip[:, 2:7, 3:] = np.nan
    features = chip_features(chip, BANDS, SETTINGS)
    ndvi = (chip[3] - chip[2]) / (chip[3] + chip[2])
    steps = [np.nanmean(np.abs(np.diff(ndvi, axis=axis))) for axis in (0, 1)]
    assert features["B4_mean"] == pytest.approx(np.nanmean(chip[2]), rel=1e-5)
    assert features["NDVI_std"] == pytest.approx(np.nanstd(ndvi), rel=1e-5)
    for percentile in (5, 50, 95):
        assert features[f"NDVI_p{percentile}"] == pytest.approx(np.nanpercentile(ndvi, percentile), rel=1e-5)
    assert features["NDVI_texture"] == pytest.approx(np.mean(steps), rel=1e-5)


def test_patchiness_tells_patches_from_fine_texture() -> None:
    patches = np.kron(np.array([[0.1, 0.3], [0.3, 0.1]]), np.ones((16, 16)))
    checks = np.tile(np.array([[0.1, 0.3], [0.3, 0.1]]), (16, 16))
    chip = np.stack([patches, checks]).astype(np.float32)
    features = chip_features(chip, ("B4", "B8"), SETTINGS.model_copy(update={"indices": ()}))
    assert features["B4_patchiness"] == pytest.approx(0.1, abs=1e-6)
    assert features["B8_patchiness"] == pytest.approx(0, abs=1e-6)
    assert features["B8_texture"] > features["B4_texture"]


def test_a_plane_without_data_has_no_figures() -> None:
    chip = ground(1)
    chip[2] = np.nan
    features = chip_features(chip, BANDS, SETTINGS)
    missing = {name.split("_")[0] for name, value in features.items() if np.isnan(value)}
    assert missing == {"B4", "NDVI", "BI"}


def test_large_chips_have_nearly_the_percentiles_of_all_their_pixels() -> None:
    chip = ground(1, size=600)
    features = chip_features(chip, BANDS, SETTINGS)
    assert features["B4_p95"] == pytest.approx(np.percentile(chip[2], 95), rel=0.01)


def test_chips_of_a_few_pixels_have_features_too() -> None:
    assert np.isfinite(list(chip_features(ground(1, size=3), BANDS, SETTINGS).values())).all()


def test_every_pair_of_bands_can_be_added() -> None:
    settings = FeatureSettings(indices=(), families=("moments",), pairwise_differences=True)
    features = chip_features(ground(1), BANDS, settings)
    assert len(features) == 2 * (6 + 15)
    assert "ND_B4_B8_mean" in features


def test_all_twelve_bands_and_nine_indices_give_one_column_each_figure() -> None:
    table = extract_features(packed_chips(1, COMPETITION_BANDS), FeatureSettings(families=("moments",)))
    assert table.shape == (1, 2 * (12 + len(DEFAULT_INDICES)))


def test_an_exported_program_computes_the_same_figures() -> None:
    settings = FeatureSettings(indices=("NDVI", "EVI"), pairwise_differences=True)
    program = FeatureProgram(BANDS, settings, 16)
    chips = torch.from_numpy(np.stack([ground(seed) for seed in range(5)]))
    chips[0, :, 2:9, 5:12] = torch.nan
    chips[1] = torch.nan
    chips[2, 1] = torch.nan
    exported = torch.export.export(program, (chips[:2],), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    torch.testing.assert_close(exported(chips), program(chips), rtol=3e-6, atol=1e-6, equal_nan=True)


def test_an_index_whose_band_is_missing_stops_before_any_chip_is_read() -> None:
    with pytest.raises(BadInputError, match="ENDMI needs B8A"):
        extract_features(packed_chips(1), FeatureSettings())


def test_a_family_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="families"):
        FeatureSettings.model_validate({"families": ["magic"]})
