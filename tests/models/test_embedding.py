"""Features of chips by an encoder."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from mining_the_mines.chips.feature_program import FeatureProgram
from mining_the_mines.chips.features import FeatureSettings, extract_features
from mining_the_mines.chips.packing import pack_in_memory
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.embedding import Embedding, build_embedding
from mining_the_mines.models.ensemble import TableModel
from mining_the_mines.models.kinds import ChipLayout
from mining_the_mines.models.logistic import LogisticRegression
from mining_the_mines.models.tables import LabelledTable
from support.encoders import write_encoder
from support.networks import SIX_BANDS, SIZE, random_reflectance


@pytest.fixture
def settings(tmp_path: Path) -> FeatureSettings:
    path = tmp_path / "encoder.safetensors"
    write_encoder(path)
    return FeatureSettings(indices=("NDVI",), families=("moments", "embedding"), encoder=str(path))


def test_table_equals_program(settings: FeatureSettings) -> None:
    """To the last bit, whatever the batch, with gaps in the chips."""
    chips = random_reflectance(5)
    chips[0, 2, :4, :4] = np.nan
    packed = pack_in_memory(list(chips), [f"{number}.tif" for number in range(5)], SIX_BANDS)
    embedding = build_embedding(settings, SIX_BANDS, SIZE)
    table = extract_features(packed, settings, embedding=embedding)
    names = [name for name in table.columns if name.startswith("embedding_")]
    assert names == [f"embedding_{number}" for number in range(16)]
    assert np.isfinite(table[names].to_numpy()).all()
    assert (table[names].std() > 0).all()
    program = FeatureProgram(SIX_BANDS, settings, SIZE, build_embedding(settings, SIX_BANDS, SIZE))
    whole = torch.from_numpy(np.stack([packed.reflectance(row) for row in range(5)]))
    with torch.inference_mode():
        np.testing.assert_array_equal(program(whole).numpy(), table.to_numpy(dtype=np.float64))


def test_export(settings: FeatureSettings) -> None:
    """An exported model contains the encoder."""
    kind, layout = LogisticRegression(), ChipLayout(bands=SIX_BANDS, chip_size=SIZE, features=settings)
    chips = torch.from_numpy(random_reflectance(12))
    with torch.inference_mode():
        program = FeatureProgram(SIX_BANDS, settings, SIZE, build_embedding(settings, SIX_BANDS, SIZE))
        figures = program(chips).numpy()
    labels, places = np.arange(12) % 2, np.array([str(number) for number in range(12)])
    weights = kind.fit_table(LabelledTable(figures, labels, places), np.random.default_rng(0))
    module = kind.assemble([weights], layout).eval()
    assert isinstance(module, TableModel)
    exported = torch.export.export(module, (chips,)).module()
    with torch.inference_mode():
        torch.testing.assert_close(exported(chips), module(chips))


def test_family_without_encoder() -> None:
    with pytest.raises(ValidationError, match=r"embedding needs features\.encoder"):
        FeatureSettings(families=("embedding",))


@pytest.mark.parametrize("weights", ["imagenet", "gone.safetensors"])
def test_weights_without_a_scale(weights: str) -> None:
    with pytest.raises(BadInputError, match=r"features\.encoder"):
        Embedding(weights, SIX_BANDS, SIZE)


def test_weights_of_other_bands() -> None:
    with pytest.raises(BadInputError, match=r"know B2, B3, B4, B8, and the chips have none of these bands: .*encoder"):
        Embedding("csmask4", ("B5", "B6"), SIZE)


@pytest.mark.parametrize("size", [32, 96])
def test_chips_of_any_size(size: int) -> None:
    images = torch.rand(1, 3, size, size) * 0.3
    assert Embedding("simulated", ("B2", "B3", "B4"), size)(images).isfinite().all()
