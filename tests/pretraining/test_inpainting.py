"""An encoder learns from images without labels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.encoder import load_encoder
from mining_the_mines.pipelines.pretraining.nodes import pretrain_encoder
from mining_the_mines.pretraining.encoder import FILE, input_hashes, store_encoder, take_encoder
from mining_the_mines.pretraining.inpainting import PictureStream, draw_patches, find_images
from mining_the_mines.pretraining.settings import InpaintingSettings, PretrainingSettings
from mining_the_mines.pretraining.training import fit_encoder
from support.chip_files import BANDS, ground, write_chip
from support.pretraining import quick_settings

RGB = ("B2", "B3", "B4")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chip of six bands, and a larger one of three with a hole."""
    folder = tmp_path_factory.mktemp("unlabelled")
    write_chip(folder / "six.tif", ground(0, size=40), georeferenced=True)
    holed = ground(1, bands=3, size=60)
    holed[:, :20] = np.nan
    write_chip(folder / "three.tif", holed, RGB, georeferenced=True, nodata=0)
    return folder


def settings(folder: Path, epochs: int = 2) -> PretrainingSettings:
    inpainting = {"epochs": epochs, "windows": 16, "learning_rate": 5e-3}
    return quick_settings(epochs=0, unlabelled=str(folder), inpainting=inpainting)


def test_windows_of_images(folder: Path) -> None:
    stream = PictureStream(find_images(folder), settings(folder))
    batches = list(stream)
    assert len(batches) == len(stream) == 4
    bands = torch.cat([batch.bands for batch in batches])
    assert {*bands.sum(dim=1).tolist()} == {3, 6}
    for reflectance, present in zip(*(torch.cat(part) for part in zip(*batches, strict=True)), strict=True):
        assert reflectance[~present].isnan().all()
        assert reflectance[present].nan_to_num(nan=0.3).ge(0).all()
    stream.sampler.set_epoch(1)
    assert not torch.equal(next(iter(stream)).reflectance.nan_to_num(), batches[0].reflectance.nan_to_num())


def test_hidden_share() -> None:
    hidden = draw_patches(torch.zeros(200, 3, 32, 32), InpaintingSettings(patch=8, hidden=0.6))
    assert abs(float(hidden.float().mean()) - 0.6) < 0.05
    assert hidden[:, :, :8, :8].flatten(1).float().std(dim=1).max() == 0


def test_it_goes_on_from_an_encoder(folder: Path, tmp_path: Path) -> None:
    """The simulation first, then images, then images again from the stored encoder."""
    both = settings(folder).model_copy(update={"epochs": 1})
    seen: list[int] = []
    network, rows = fit_encoder(both, tmp_path / "first", lambda epoch, _: seen.append(epoch))
    assert seen == [row["epoch"] for row in rows] == [0, 1, 2]
    stored = store_encoder(take_encoder(network, both, rows), tmp_path / "encoder")
    about = stored.encoder.description
    assert {about.training["regions"], about.training["unlabelled windows"]} == {4, 32}
    assert "images without labels" in stored.card
    further = settings(folder, epochs=6).model_copy(update={"encoder": str(tmp_path / "encoder" / FILE)})
    network, rows = fit_encoder(further, tmp_path / "second")
    assert rows[-1]["inpainting_loss"] < rows[0]["inpainting_loss"]
    assert network.scale == about.scale
    changed = take_encoder(network, further, rows)
    assert changed.description.data != about.data
    before = load_encoder(tmp_path / "encoder" / FILE).weights
    assert any(not torch.equal(tensor, before[name]) for name, tensor in changed.weights.items())


def test_bad_input(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to learn from"):
        quick_settings(epochs=0)
    with pytest.raises(BadInputError, match=r"There is no encoder .*gone\.safetensors"):
        input_hashes(quick_settings(encoder=str(tmp_path / "gone.safetensors")))
    with pytest.raises(BadInputError, match="no folder"):
        find_images(tmp_path / "gone")
    write_chip(tmp_path / "two.tif", ground(0, bands=2), BANDS[:2])
    with pytest.raises(BadInputError, match=r"two\.tif has fewer than three bands"):
        find_images(tmp_path)
    (tmp_path / "two.tif").write_bytes(b"II*\0")
    with pytest.raises(BadInputError, match=r"two\.tif can't be read"):
        find_images(tmp_path)
    other = settings(folder).model_copy(update={"encoder": "simulated"})
    with pytest.raises(BadInputError, match=r"mine-encoder .*differs from pretraining\.architecture"):
        fit_encoder(other, tmp_path / "fit")


def test_images_without_data(tmp_path: Path) -> None:
    """Nothing is learnt from them, so that no encoder is kept."""
    (tmp_path / "images").mkdir()
    write_chip(tmp_path / "images/empty.tif", np.full_like(ground(0, size=40), np.nan), nodata=0)
    kept = tmp_path / "kept"
    kept.mkdir()
    with pytest.raises(BadInputError, match=r"windows of the images in .*images hold no data"):
        pretrain_encoder(settings(tmp_path / "images", epochs=1), kept, kept)
    assert not list(kept.rglob("*.safetensors"))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"architecture": "maxvit_picco"}, r"maxvit_picco with None can't be built \(Unknown model"),
        ({"architecture": "vit_tiny_patch16_224"}, r"can't be built \(Unsupported.*features at several scales"),
        ({"decoder_channels": [8, 8, 8]}, r"No classifier could start .* the 3 of pretraining\.decoder_channels"),
        ({"encoder": "simulated"}, r"differs from pretraining\.architecture"),
    ],
)
def test_wrong_network(tmp_path: Path, changes: dict[str, Any], fault: str) -> None:
    """It is refused before a region is simulated."""
    with pytest.raises(BadInputError, match=fault):
        pretrain_encoder(quick_settings(**changes), tmp_path, tmp_path)
