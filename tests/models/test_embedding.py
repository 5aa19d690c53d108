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
from mining_the_mines.models.embedding import PICTURES, STEP, Embedding, PictureEmbedding, build_embedding, picture_size
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


def test_weights_that_are_gone() -> None:
    with pytest.raises(BadInputError, match=r"features\.encoder"):
        Embedding("gone.safetensors", SIX_BANDS, SIZE)


def test_weights_of_no_certain_network(tmp_path: Path) -> None:
    torch.save({"stem.weight": torch.zeros(8, 3, 3, 3)}, tmp_path / "colours.pth")
    with pytest.raises(BadInputError, match=r"colours\.pth belong to no certain .*encoder to simulated, imagenet"):
        Embedding(str(tmp_path / "colours.pth"), SIX_BANDS, SIZE)


def test_weights_of_other_bands() -> None:
    with pytest.raises(BadInputError, match=r"know B2, B3, B4, B8, and the chips have none of these bands: .*encoder"):
        Embedding("csmask4", ("B5", "B6"), SIZE)


@pytest.mark.parametrize("size", [32, 96])
def test_chips_of_any_size(size: int) -> None:
    images = torch.rand(1, 3, size, size) * 0.3
    assert Embedding("simulated", ("B2", "B3", "B4"), size)(images).isfinite().all()


IMAGENET = FeatureSettings(indices=(), families=("embedding",), encoder="imagenet")


@pytest.fixture(scope="module")
def pictures() -> PictureEmbedding:
    embedding = build_embedding(IMAGENET, SIX_BANDS, SIZE)
    assert isinstance(embedding, PictureEmbedding)
    return embedding


def test_pictures(pictures: PictureEmbedding) -> None:
    """Three pictures, each enlarged four times; features of a chip don't depend on those beside it, nor on gaps."""
    chips = random_reflectance(2)
    chips[0, 2, :4, :4] = np.nan
    packed = pack_in_memory(list(chips), ["a.tif", "b.tif"], SIX_BANDS)
    table = extract_features(packed, IMAGENET, embedding=pictures)
    assert list(table.columns) == [f"embedding_{number}" for number in range(3 * 1024)]
    assert pictures.size == 4 * SIZE
    alone = extract_features(pack_in_memory([chips[0]], ["a.tif"], SIX_BANDS), IMAGENET, embedding=pictures)
    np.testing.assert_allclose(table.loc[["a.tif"]], alone, atol=STEP)
    assert (table.std() > 0).mean() > 0.9


def test_pictures_keep_their_scale(pictures: PictureEmbedding) -> None:
    """Natural colour alone gives what it gives beside other bands: no scale is that of the chips."""
    chips = torch.from_numpy(random_reflectance(1))
    natural = PictureEmbedding(PICTURES[0], SIZE)
    with torch.inference_mode():
        alone, beside = natural(chips[:, [2, 1, 0]]), pictures(chips)[:, :1024]
    torch.testing.assert_close(alone, beside, atol=STEP, rtol=0)


def test_export_of_pictures(pictures: PictureEmbedding) -> None:
    chips = torch.from_numpy(random_reflectance(2))
    exported = torch.export.export(pictures, (chips,), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    with torch.inference_mode():
        torch.testing.assert_close(
            exported(chips[:1].repeat(3, 1, 1, 1)), pictures(chips[:1]).expand(3, -1), atol=STEP, rtol=0
        )


def test_pictures_of_bands_that_lack() -> None:
    with pytest.raises(BadInputError, match=r"sees B4, B3, B2 or .* chips lack bands of each: .*features\.encoder"):
        build_embedding(IMAGENET, ("B2", "B3", "B8"), SIZE)


@pytest.mark.parametrize(("chip", "picture"), [(48, 192), (50, 224), (192, 512), (520, 544)])
def test_size_of_pictures(chip: int, picture: int) -> None:
    """Small chips are enlarged four times, large ones shown as they are."""
    assert picture_size(chip) == picture
