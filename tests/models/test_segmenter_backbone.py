"""Which segmentation networks there are, and where their weights come from."""

from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file
from torch import nn

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.networks import SegmenterSpec
from mining_the_mines.models.segmenter_network import PRIOR, SegmenterNetwork, build_segmenter_backbone
from support.networks import SIX_BANDS, random_chips, scale_of, small_segmenter

SMALL_MAXVIT = {
    "embed_dim": [8, 8, 16, 16], "depths": [1, 1, 1, 1], "stem_width": 8, "transformer_dim_head": 8, "img_size": 64,
}  # fmt: skip


def spec(architecture: str, encoder: str = "resnet18", **overrides: object) -> SegmenterSpec:
    return SegmenterSpec(architecture=architecture, encoder=encoder, indices=("NDVI",), overrides=overrides)


@pytest.mark.parametrize(
    "spec",
    [
        spec("fpn", "resnet34"),
        spec("deeplabv3plus"),
        spec("segformer", "mit_b0"),
        spec("unet", "maxvit_pico_rw_256", **SMALL_MAXVIT),  # timm's own name
    ],
    ids=lambda spec: f"{spec.architecture} on {spec.encoder}",
)
def test_architectures(spec: SegmenterSpec) -> None:
    size = 48
    assert small_segmenter(spec=spec)(random_chips(1, size=size)).shape == (1, size, size)


def test_unknown_architecture() -> None:
    with pytest.raises(BadInputError, match=r"no architecture named 'unetplus' \(there are .*unetplusplus"):
        build_segmenter_backbone(spec("unetplus"), 3)


def test_unknown_encoder() -> None:
    with pytest.raises(BadInputError, match=r"an encoder named 'resnet81' \(close: .*resnet18"):
        build_segmenter_backbone(spec("unet", "resnet81"), 3)


def test_unknown_override() -> None:
    with pytest.raises(BadInputError, match=r"takes no decoder_chanels \(it takes .*decoder_channels"):
        build_segmenter_backbone(spec("unet", decoder_chanels=3), 3)


@pytest.mark.parametrize("encoder", ["resnet18", "tu-test_efficientnet"])
def test_unfit_override(encoder: str) -> None:
    with pytest.raises(BadInputError, match=rf"can't build unet on {encoder} with"):
        build_segmenter_backbone(spec("unet", encoder, encoder_depth=9), 3)


def test_local_weights(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.safetensors"
    published = smp.encoders.get_encoder("resnet18", weights=None).state_dict()
    save_file(published, path)
    spec = SegmenterSpec(encoder="resnet18", pretrained=str(path), indices=())
    state = SegmenterNetwork(spec, scale_of(SIX_BANDS)).backbone.get_submodule("encoder").state_dict()
    assert torch.equal(state["layer4.1.conv2.weight"], published["layer4.1.conv2.weight"])
    assert torch.equal(state["conv1.weight"][:, [2, 1, 0]], published["conv1.weight"])


@pytest.mark.parametrize("architecture", ["unet", "fpn"])
def test_begins_with_few_mines(architecture: str) -> None:
    """Features that are all zero must not stand for a mine: no pixel would be more certain than the bias."""
    network = build_segmenter_backbone(spec(architecture), 3)
    (head,) = [layer for layer in network.get_submodule("segmentation_head").modules() if isinstance(layer, nn.Conv2d)]
    assert head.bias is not None
    assert head.bias.sigmoid().item() == pytest.approx(PRIOR)
