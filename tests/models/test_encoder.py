"""Encoders of this project: their files, and networks that start from them."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import save_file
from torch import Tensor, nn

from conftest import PROJECT
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.classifier_network import ClassifierNetwork
from mining_the_mines.models.encoder import MISSING, Encoder, load_encoder
from mining_the_mines.models.networks import ClassifierSpec, SegmenterSpec
from mining_the_mines.models.segmenter_network import SegmenterNetwork
from mining_the_mines.models.spectral_input import BandScale, SpectralInput
from mining_the_mines.models.weight_sources import SIMULATED
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.indices import required_bands
from support.encoders import ENCODER_INDICES, SMALL_MAXVIT, write_encoder
from support.networks import SIX_BANDS, SIZE, random_chips, scale_of

STEM = "stem.conv1.weight"
THREE_BANDS = ("B2", "B3", "B4")


def classifier_spec(path: Path, **changes: Any) -> ClassifierSpec:
    settings = {
        "architecture": "maxvit_pico_rw_256", "overrides": dict(SMALL_MAXVIT), "indices": ENCODER_INDICES,
        "pretrained": str(path),
    }  # fmt: skip
    return ClassifierSpec.model_validate(settings | changes)


def segmenter_spec(path: Path, **changes: Any) -> SegmenterSpec:
    decoder = {"encoder_depth": 4, "decoder_channels": [8, 8, 8, 8], "img_size": SIZE}
    settings = {
        "encoder": "maxvit_pico_rw_256", "overrides": dict(SMALL_MAXVIT) | decoder, "indices": ENCODER_INDICES,
        "pretrained": str(path),
    }  # fmt: skip
    return SegmenterSpec.model_validate(settings | changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiny encoder é.safetensors"


@pytest.fixture
def encoder(path: Path) -> Encoder:
    return write_encoder(path)


def own_scale(encoder: Encoder) -> BandScale:
    return BandScale(encoder.description.bands, encoder.description.low, encoder.description.high)


def as_the_encoder_sees(encoder: Encoder, network: nn.Module, chips: Tensor, absent: set[str]) -> Tensor:
    """Output of a network of all bands in which lacking channels are cut and their vectors are added."""
    numbers = [number for number, channel in enumerate(encoder.description.channels) if channel in absent]
    stem = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    with torch.no_grad():
        stem.weight[:, numbers] = 0
    added = encoder.weights[MISSING][numbers].sum(dim=0)[:, None, None]
    stem.register_forward_hook(lambda _module, _given, output: output + added)
    with torch.inference_mode():
        seen: Tensor = network(SpectralInput(own_scale(encoder), ENCODER_INDICES)(chips))
    return seen


def test_file(path: Path, encoder: Encoder) -> None:
    read = load_encoder(path)
    assert read.description == encoder.description
    assert read.weights.keys() == encoder.weights.keys()
    assert all(torch.equal(tensor, encoder.weights[name]) for name, tensor in read.weights.items())


def test_all_bands(path: Path, encoder: Encoder) -> None:
    network = ClassifierNetwork(classifier_spec(path), scale_of(COMPETITION_BANDS), SIZE).eval()
    state = network.backbone.state_dict()
    kept = [name for name in encoder.weights if name != MISSING]
    assert all(torch.equal(state[name], encoder.weights[name]) for name in kept)
    chips = random_chips(bands=12)
    seen = SpectralInput(own_scale(encoder), ENCODER_INDICES)(chips)
    torch.testing.assert_close(network.spectral_input(chips), seen)


@pytest.mark.parametrize(("bands", "indices"), [(SIX_BANDS, ENCODER_INDICES), (SIX_BANDS, ("BI",)), (THREE_BANDS, ())])
@pytest.mark.usefixtures("encoder")
def test_subset_of_bands(path: Path, encoder: Encoder, bands: tuple[str, ...], indices: tuple[str, ...]) -> None:
    """A network of fewer bands answers as the encoder does when it is told that the others are missing."""
    few = ClassifierNetwork(classifier_spec(path, indices=indices), scale_of(bands), SIZE).eval()
    full = ClassifierNetwork(classifier_spec(path), scale_of(COMPETITION_BANDS), SIZE).eval()
    heads = [network.backbone.get_submodule("head.fc") for network in (few, full)]
    heads[1].load_state_dict(heads[0].state_dict())
    chips = random_chips(bands=12)
    expected = as_the_encoder_sees(
        encoder, full.backbone, chips, set(encoder.description.channels) - {*bands, *indices}
    )
    with torch.inference_mode():
        given = few.logits(chips[:, [COMPETITION_BANDS.index(band) for band in bands]])
    torch.testing.assert_close(given, expected[:, 0], rtol=1e-5, atol=1e-5)


def test_segmenter(path: Path, encoder: Encoder) -> None:
    few = SegmenterNetwork(segmenter_spec(path), scale_of(SIX_BANDS)).eval()
    full = SegmenterNetwork(segmenter_spec(path), scale_of(COMPETITION_BANDS)).eval()
    for part in ("decoder", "segmentation_head"):
        full.backbone.get_submodule(part).load_state_dict(few.backbone.get_submodule(part).state_dict())
    chips = random_chips(bands=12)
    expected = as_the_encoder_sees(encoder, full.backbone, chips, set(COMPETITION_BANDS) - set(SIX_BANDS))
    with torch.inference_mode():
        given = few.logits(chips[:, [COMPETITION_BANDS.index(band) for band in SIX_BANDS]])
    torch.testing.assert_close(given, expected[:, 0], rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("encoder")
def test_further_channels_start_at_zero(path: Path) -> None:
    bands = (*COMPETITION_BANDS, "B10")
    spec = classifier_spec(path, indices=("NDVI", "EVI"))
    network = ClassifierNetwork(spec, scale_of(bands), SIZE).eval()
    chips = random_chips(bands=13)
    changed = chips.clone()
    changed[:, 12] *= 3
    assert torch.equal(network(chips), network(changed))
    assert not network.backbone.state_dict()[STEM][:, -1].any()


@pytest.mark.usefixtures("encoder")
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"architecture": "maxvit_nano_rw_256"}, "architecture maxvit_nano_rw_256, not maxvit_pico_rw_256"),
        ({"overrides": {**SMALL_MAXVIT, "depths": [1, 1, 2]}}, r"depths \[1, 1, 2\], not \[1, 1, 1\]"),
        ({"overrides": {**SMALL_MAXVIT, "transformer_dim_head": 4}}, "transformer_dim_head 4, not 8"),
    ],
)
def test_another_network(path: Path, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(
        BadInputError, match=rf"encoder .*tiny encoder.* doesn't fit the network \(.*{named}.*pretrained to null"
    ):
        ClassifierNetwork(classifier_spec(path, **changes), scale_of(SIX_BANDS), SIZE)


@pytest.mark.usefixtures("encoder")
def test_dropout_is_free(path: Path) -> None:
    overrides = {**SMALL_MAXVIT, "drop_rate": 0.3, "drop_path_rate": 0.2}
    assert ClassifierNetwork(classifier_spec(path, overrides=overrides), scale_of(SIX_BANDS), SIZE)


@pytest.mark.usefixtures("encoder")
def test_cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadInputError, match=r"tiny encoder .*can't be read as safetensors .*cut off"):
        load_encoder(path)


def test_foreign_file(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(2, 2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(BadInputError, match=r"foreign\.safetensors is no encoder of this project"):
        load_encoder(tmp_path / "foreign.safetensors")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"high": [3000.0] * 12}, "no ascending reflectance"),
        ({"low": [0.0] * 3}, "differ in length"),
        ({"bands": [*COMPETITION_BANDS[:-1], "B13"]}, "B13 is no band of Sentinel-2"),
        ({"architecture": None}, "architecture"),
    ],
)
def test_wrong_description(tmp_path: Path, encoder: Encoder, changes: dict[str, Any], fault: str) -> None:
    stated = json.dumps(encoder.description.model_dump(mode="json") | changes)
    save_file(encoder.weights, tmp_path / "wrong.safetensors", metadata={"encoder": stated})
    with pytest.raises(BadInputError, match=rf"encoder .*wrong\.safetensors can't be used: .*{fault}"):
        load_encoder(tmp_path / "wrong.safetensors")


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        (torch.full((8,), torch.nan), "NaN or infinite numbers"),
        (torch.ones(8, dtype=torch.int8), "numbers of the type int8, as of a quantised network"),
    ],
)
def test_weights_that_are_no_use(tmp_path: Path, encoder: Encoder, changed: Tensor, fault: str) -> None:
    path = tmp_path / "spoilt.safetensors"
    weights = {**encoder.weights, "norm.weight": changed}
    save_file(weights, path, metadata={"encoder": encoder.description.model_dump_json()})
    with pytest.raises(BadInputError, match=rf"spoilt\.safetensors holds {fault}.*norm\.weight.*name a file"):
        load_encoder(path)


def test_without_vectors(tmp_path: Path, encoder: Encoder) -> None:
    weights = {name: tensor for name, tensor in encoder.weights.items() if name != MISSING}
    stated = encoder.description.model_dump_json()
    save_file(weights, tmp_path / "bare.safetensors", metadata={"encoder": stated})
    with pytest.raises(BadInputError, match=r"bare\.safetensors is damaged \(its tensor missing"):
        load_encoder(tmp_path / "bare.safetensors")


@pytest.mark.parametrize("bands", [THREE_BANDS, SIX_BANDS, COMPETITION_BANDS])
def test_shipped_encoder(bands: tuple[str, ...]) -> None:
    settings = OmegaConf.to_container(OmegaConf.load(PROJECT / "conf/base/parameters_pretraining.yml"))
    assert isinstance(settings, dict)
    pretraining = settings["pretraining"]
    shipped = load_encoder(SIMULATED)
    assert shipped.description.overrides == pretraining["overrides"]
    indices = [name for name in pretraining["indices"] if set(required_bands(name)) <= set(bands)]
    spec = classifier_spec(
        Path("simulated"), architecture=pretraining["architecture"], overrides=pretraining["overrides"], indices=indices
    )
    network = ClassifierNetwork(spec, scale_of(bands), SIZE)
    used = [number for number, name in enumerate(shipped.description.channels) if name in {*bands, *indices}]
    assert torch.equal(network.backbone.state_dict()[STEM], shipped.weights[STEM][:, used])
