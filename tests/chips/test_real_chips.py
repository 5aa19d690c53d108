"""Real Sentinel-2 chips, from the folder to the feature table."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.chips.features import FeatureSettings, extract_features
from mining_the_mines.chips.folder import ChipFolder, LabelFormat, read_labels
from mining_the_mines.chips.folds import FoldSettings, assign_folds
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.packing import pack_chips
from mining_the_mines.chips.quality import ChipSettings, check_sufficiency
from mining_the_mines.chips.statistics import summarise_bands
from mining_the_mines.sentinel2.indices import DEFAULT_INDICES

pytestmark = pytest.mark.real_chips
REAL_CHIPS = Path(os.environ.get("REAL_CHIPS", Path(__file__).parents[3] / "shared" / "data"))
SETTINGS = ChipSettings(bands=("B2", "B3", "B4", "B8", "B11", "B12"))


@pytest.fixture(scope="module")
def amazon() -> ChipFolder:
    """475 chips of 48 × 48 pixels, 6 bands."""
    folder = REAL_CHIPS / "amazon_mines"
    return ChipFolder(folder / "images", read_labels(folder / "labels.csv"))


@pytest.fixture(scope="module")
def manifest(amazon: ChipFolder) -> pd.DataFrame:
    """Their inventory."""
    return take_inventory(amazon, SETTINGS)


def test_inventory_finds_copies(manifest: pd.DataFrame) -> None:
    assert len(manifest) == 475
    rejected = manifest[manifest["verdict"] == "rejected"]
    assert rejected["filename"].tolist() == ["natural_34.tif", "natural_49.tif", "natural_50.tif"]
    assert rejected["reason"].str.startswith("identical pixels").all()
    check_sufficiency(manifest, 50, Path("rejected.csv"))


def test_folds(manifest: pd.DataFrame) -> None:
    folds = assign_folds(manifest, FoldSettings())
    part = folds["fold"].fillna(-1)
    assert all(len(set(parts)) == 1 for _, parts in part.groupby(folds["place"]))
    shares = folds.groupby(part)["label"].mean().astype(float)
    np.testing.assert_allclose(shares, folds["label"].mean(), atol=0.08)


def test_statistics_and_features(amazon: ChipFolder, manifest: pd.DataFrame, tmp_path: Path) -> None:
    packed = pack_chips(amazon, manifest, SETTINGS, tmp_path / "packed")
    figures = summarise_bands(packed, assign_folds(manifest, FoldSettings()))
    # Rain forest and bare ground: near infrared reflects most, and no band is dark or blinding on average.
    assert np.argmax(figures["all"].mean) == SETTINGS.bands.index("B8")
    assert all(0.03 < mean < 0.4 for mean in figures["all"].mean)
    features = extract_features(packed, FeatureSettings(indices=tuple(i for i in DEFAULT_INDICES if i != "ENDMI")))
    assert features.shape[0] == 472
    assert np.isfinite(features.to_numpy()).all()
    assert features["NDVI_mean"]["forest_1092.tif"] > 0.7


def test_three_bands() -> None:
    folder = REAL_CHIPS / "tailings_dams"
    table = read_labels(folder / "chips.csv", LabelFormat(label_column=None))
    manifest = take_inventory(ChipFolder(folder / "images", table), ChipSettings(bands=("B4", "B3", "B2")))
    assert (manifest["verdict"] == "accepted").all()
    assert manifest["group"].notna().all()
