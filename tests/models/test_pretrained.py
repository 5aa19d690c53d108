"""Where the weights of networks come from."""

from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import timm
import torch
from safetensors.torch import save_file

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.classifier_network import build_classifier_backbone
from support.networks import SIZE, small_spec

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


def test_unknown_network() -> None:
    with pytest.raises(BadInputError, match=r"no network named 'maxvit_picco_rw_256' \(close: .*maxvit_pico_rw_256"):
        build_classifier_backbone(small_spec("maxvit_picco_rw_256"), 6, SIZE)


def test_local_weights(tmp_path: Path) -> None:
    path = tmp_path / "weights with spaces é.safetensors"
    published = write_weights(path)
    network = build_classifier_backbone(small_spec(pretrained_file=path), 3, SIZE).state_dict()
    assert torch.equal(network[STEM], published[STEM])
    kept = [name for name in published if not name.startswith("classifier")]
    assert all(torch.equal(network[name], published[name]) for name in kept)


def test_weights_of_more_bands(tmp_path: Path) -> None:
    published = write_weights(tmp_path / "w.safetensors")
    network = build_classifier_backbone(small_spec(pretrained_file=tmp_path / "w.safetensors"), 12, SIZE).state_dict()
    assert network[STEM].shape[1] == 12
    # timm repeats the three channels, and scales so that the response stays as strong.
    torch.testing.assert_close(network[STEM][:, 3:6], published[STEM] * 3 / 12)


def test_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "gone.safetensors"
    with pytest.raises(BadInputError, match=r"no weights file .*gone\.safetensors.*pretrained_file"):
        build_classifier_backbone(small_spec(pretrained_file=path), 6, SIZE)


def test_weights_of_another_network(tmp_path: Path) -> None:
    write_weights(tmp_path / "vit.safetensors", "test_vit", img_size=SIZE)
    with pytest.raises(BadInputError, match=r"vit\.safetensors holds only 0% of the weights of test_efficientnet"):
        build_classifier_backbone(small_spec(pretrained_file=tmp_path / "vit.safetensors"), 6, SIZE)


@pytest.mark.parametrize("name", ["text.safetensors", "text.pth"])
def test_file_without_weights(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("no weights at all", encoding="utf-8")
    with pytest.raises(BadInputError, match=rf"weights in .*{name} can't be loaded"):
        build_classifier_backbone(small_spec(pretrained_file=tmp_path / name), 6, SIZE)


@pytest.mark.usefixtures("_offline")
def test_offline() -> None:
    with pytest.raises(BadInputError, match=r"test_efficientnet can't be fetched .*pretrained_file.*fallback"):
        build_classifier_backbone(small_spec(pretrained=True), 6, SIZE)


@pytest.mark.usefixtures("_offline")
def test_fallback(caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(4)
    fallen_back = build_classifier_backbone(small_spec(pretrained=True, pretrained_fallback=True), 6, SIZE)
    assert "training starts from scratch" in caplog.text
    assert sum(parameter.numel() for parameter in fallen_back.parameters()) > 0


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
