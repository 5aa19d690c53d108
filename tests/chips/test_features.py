"""Feature tables."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
import torch

from mining_the_mines.chips.feature_program import FeatureProgram
from mining_the_mines.chips.features import FeatureSettings, extract_features
from mining_the_mines.core.errors import BadInputError
from support.chip_files import BANDS, ground, packed_chips

SETTINGS = FeatureSettings(
    families=("moments", "percentiles", "texture", "patchiness"), indices=("NDVI", "BI"), percentiles=(5, 50, 95)
)


def chip_features(chip: npt.NDArray[np.float32], bands: tuple[str, ...], settings: FeatureSettings) -> dict[str, float]:
    """Features of one chip by name."""
    program = FeatureProgram(bands, settings, chip.shape[-1])
    return dict(zip(program.names, program(torch.from_numpy(chip[None]))[0].tolist(), strict=True))


def test_table() -> None:
    table = extract_features(packed_chips(3), SETTINGS)
    assert table.index.tolist() == ["chip_0.tif", "chip_1.tif", "chip_2.tif"]
    assert table.index.name == "filename"
    figures = ("mean", "std", "p5", "p50", "p95", "texture", "patchiness")
    assert set(table.columns) == {
        f"{plane}_{figure}" for plane, figure in itertools.product((*BANDS, "NDVI", "BI"), figures)
    }
    assert (table.dtypes == "float32").all()


@pytest.mark.parametrize("gaps", [False, True])
def test_figures(gaps: bool) -> None:
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


def test_patchiness() -> None:
    patches = np.kron(np.array([[0.1, 0.3], [0.3, 0.1]]), np.ones((16, 16)))
    checks = np.tile(np.array([[0.1, 0.3], [0.3, 0.1]]), (16, 16))
    chip = np.stack([patches, checks]).astype(np.float32)
    features = chip_features(chip, ("B4", "B8"), SETTINGS.model_copy(update={"indices": ()}))
    assert features["B4_patchiness"] == pytest.approx(0.1, abs=1e-6)
    assert features["B8_patchiness"] == pytest.approx(0, abs=1e-6)
    assert features["B8_texture"] > features["B4_texture"]


def test_exported_program() -> None:
    settings = FeatureSettings(families=("percentiles", "texture", "patchiness", "cover"), indices=())
    program = FeatureProgram(BANDS, settings, 16)
    chips = torch.from_numpy(np.stack([ground(seed) for seed in range(5)]))
    chips[0, :, 2:9, 5:12] = torch.nan
    chips[1] = torch.nan
    chips[2, 1] = torch.nan
    exported = torch.export.export(program, (chips[:2],), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    torch.testing.assert_close(exported(chips), program(chips), rtol=3e-6, atol=1e-6, equal_nan=True)


def test_missing_band() -> None:
    with pytest.raises(BadInputError, match="ENDMI needs B8A"):
        extract_features(packed_chips(1), FeatureSettings())
