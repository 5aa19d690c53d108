"""Where the weights of networks come from."""

from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import timm
import torch
from pydantic import ValidationError
from safetensors.torch import save_file

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.classifier_network import ClassifierNetwork, build_classifier_backbone
from mining_the_mines.models.networks import ClassifierNetworks, ClassifierSpec
from mining_the_mines.models.weight_sources import SIMULATED
from support.networks import SIX_BANDS, SIZE, scale_of, small_spec

#: Its weights are published on the Hugging Face hub.
PUBLISHED = "test_efficientnet"
STEM = "conv_stem.weight"


@pytest.fixture
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell the hub's client, as HF_HUB_OFFLINE does before it is imported, that there is no network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))


def write_weights(path: Path, architecture: str = PUBLISHED, **options: Any) -> dict[str, torch.Tensor]:
    """Weights as they are published: for three channels and a thousand classes."""
    torch.manual_seed(99)
    state: dict[str, torch.Tensor] = timm.create_model(architecture, **options).state_dict()
    save_file(state, path)
    return state


def started(path: Path | str, bands: tuple[str, ...] = SIX_BANDS, **changes: Any) -> ClassifierNetwork:
    return ClassifierNetwork(small_spec(pretrained=str(path), **changes), scale_of(bands), SIZE)


def test_unknown_network() -> None:
    with pytest.raises(BadInputError, match=r"no network named 'maxvit_picco_rw_256' \(close: .*maxvit_pico_rw_256"):
        build_classifier_backbone(small_spec("maxvit_picco_rw_256"), 6, SIZE)


def test_local_weights(tmp_path: Path) -> None:
    path = tmp_path / "weights with spaces é.safetensors"
    published = write_weights(path)
    network = started(path, ("B4", "B3", "B2"), indices=()).backbone.state_dict()
    kept = [name for name in published if not name.startswith("classifier")]
    assert all(torch.equal(network[name], published[name]) for name in kept)


def test_statistics_of_stages(tmp_path: Path) -> None:
    published = write_weights(tmp_path / "w.safetensors")
    network = started(tmp_path / "w.safetensors", ("B4", "B3", "B2"), indices=(), pooling="statistics").backbone
    assert torch.equal(network.state_dict()[f"encoder.{STEM}"], published[STEM])


def test_weights_of_colours(tmp_path: Path) -> None:
    """The colours keep their weights; all other channels start at zero."""
    published = write_weights(tmp_path / "w.safetensors")
    stem = started(tmp_path / "w.safetensors", indices=("NDVI",)).backbone.state_dict()[STEM]
    assert torch.equal(stem[:, [2, 1, 0]], published[STEM])
    assert not stem[:, 3:].any()


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no weights file .*gone\.safetensors.*imagenet.*network\.pretrained"):
        started(tmp_path / "gone.safetensors")


def test_folder_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"is a folder: name the weights file in it.* network\.pretrained"):
        started(tmp_path)


def test_lightning_checkpoint(tmp_path: Path) -> None:
    """All names have the name of the network in front, and stand beside the state of the training."""
    torch.manual_seed(99)
    state = timm.create_model(PUBLISHED).state_dict()
    path = tmp_path / "epoch=3.ckpt"
    torch.save({"epoch": 3, "state_dict": {f"network.{name}": tensor for name, tensor in state.items()}}, path)
    network = started(path, ("B4", "B3", "B2"), indices=()).backbone.state_dict()
    assert torch.equal(network[STEM], state[STEM])


def test_checkpoints_depend_on_the_file(tmp_path: Path) -> None:
    write_weights(tmp_path / "w.safetensors")
    assert ClassifierNetworks(network=small_spec(pretrained=str(tmp_path / "w.safetensors"))).files
    assert ClassifierNetworks(network=small_spec(pretrained="simulated")).files == (SIMULATED,)
    assert not ClassifierNetworks(network=small_spec(pretrained="imagenet")).files


def test_weights_of_another_network(tmp_path: Path) -> None:
    write_weights(tmp_path / "vit.safetensors", "test_vit", img_size=SIZE)
    with pytest.raises(BadInputError, match=r"vit\.safetensors holds only 0% of the weights of test_efficientnet"):
        started(tmp_path / "vit.safetensors")


@pytest.mark.parametrize("name", ["text.safetensors", "text.pth"])
def test_file_without_weights(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("no weights at all", encoding="utf-8")
    with pytest.raises(BadInputError, match=rf"{name} .*cut off or"):
        started(tmp_path / name)


def test_pickle(tmp_path: Path) -> None:
    """A pickle with anything but tensors is not read."""
    path = tmp_path / "weights.pt"
    torch.save({"weights": torch.zeros(2), "then": Path("run")}, path)
    with pytest.raises(BadInputError, match=r"weights\.pt holds objects other than tensors.*save its state dict"):
        started(path)


@pytest.mark.usefixtures("_offline")
def test_offline() -> None:
    with pytest.raises(BadInputError, match=r"imagenet of test_efficientnet can't be fetched .*pretrained.*fallback"):
        started("imagenet")


@pytest.mark.usefixtures("_offline")
def test_fallback(caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(4)
    started("imagenet", pretrained_fallback=True)
    assert "training starts from scratch" in caplog.text


@pytest.mark.parametrize(
    ("stated", "way_out"),
    [
        ({"pretrained_file": "w.pth"}, "set pretrained to w.pth"),
        ({"pretrained": True}, "set it to imagenet"),
    ],
)
def test_former_parameters(stated: dict[str, Any], way_out: str) -> None:
    with pytest.raises(ValidationError, match=way_out):
        ClassifierSpec.model_validate(stated)


@pytest.mark.parametrize(("size", "named"), [(50, "50"), (None, "of the chips")])
def test_wrong_size(size: int | None, named: str) -> None:
    with pytest.raises(BadInputError, match=rf"test_maxvit of input size {named}.*network\.input_size"):
        build_classifier_backbone(small_spec("test_maxvit", input_size=size), 6, size or 20)


def test_unknown_override() -> None:
    with pytest.raises(BadInputError, match=r"test_efficientnet .*depht.*overrides"):
        build_classifier_backbone(small_spec(overrides={"depht": 3}), 6, SIZE)


def test_overrides_reach_the_network() -> None:
    wide = build_classifier_backbone(small_spec("test_convnext", overrides={"dims": (8, 8, 16, 16)}), 6, SIZE)
    assert wide.num_features == 16
