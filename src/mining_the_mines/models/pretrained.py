"""First weights of a network: those that its parameters name, brought into the network's own shape.

The first convolution is adapted so that the network starts as its source. A band keeps its weights. Bands that the
source lacks, and indices, start at zero. The weights of a band that only the source has are added to those of the
network's band that is nearest in wavelength and on the same side of the red edge, in visible or near infrared light. If
there is none, they are left out: the source sees the band as its mean, or as black where its scale has no mean. An
encoder of this project has learnt a vector for each channel that may be missing, which takes its place.
"""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.kinds import Weights
from mining_the_mines.models.networks import NetworkSpec
from mining_the_mines.models.weight_sources import (
    NAMES,
    Backbone,
    FirstWeights,
    first_line,
    named_weights,
    weights_of_file,
)
from mining_the_mines.sentinel2.bands import BANDS

logger = logging.getLogger(__name__)

#: Ends in nm of visible and of near infrared light. Vegetation is dark below the red edge and bright above it, so a
#: band stands in for others of its own range alone.
RANGES: Final = ((400, 720), (720, 1000))
#: Parts that sources may lack, since tasks have their own: heads and what stands before them.
_HEADS: Final = frozenset(
    ("head", "fc", "classifier", "norm", "fc_norm", "conv_head", "bn2", "_conv_head", "_bn1", "_fc")
)
#: Networks that give features flatten the names of stages, and stand inside a wrapper.
_WRAPPER: Final = re.compile(r"^(?:(?:model|encoder)\.)+")
_FLAT: Final = re.compile(r"^([a-z]+)_(\d+)\.")


def find_weights(spec: NetworkSpec, backbone: Backbone) -> FirstWeights | None:
    """Read the weights that a specification asks for.

    Args:
        spec: Names them.
        backbone: The part of the network that takes them.

    Returns:
        The weights, or ``None`` for random ones.

    Raises:
        BadInputError: The weights can't be had, or don't fit the network, and the specification allows no fallback.
    """
    if spec.pretrained is None:
        return None
    if spec.pretrained not in NAMES:
        return weights_of_file(Path(spec.pretrained), backbone)
    try:
        return named_weights(spec.pretrained, backbone)
    except (OSError, RuntimeError) as error:  # the hub's connection errors are subclasses of these
        if not spec.pretrained_fallback:
            raise BadInputError(
                f"The weights {spec.pretrained} of {backbone.name} can't be fetched ({first_line(error)}): name a "
                f"local file in network.pretrained, or set network.pretrained_fallback to train from scratch."
            ) from error
        logger.warning(
            "The weights %s of %s can't be fetched (%s); training starts from scratch, as network.pretrained_fallback "
            "says.",
            spec.pretrained,
            backbone.name,
            first_line(error),
        )
        return None


def start_from(network: nn.Module, first: FirstWeights, channels: Sequence[str]) -> None:
    """Fill a network, or the encoder of one, with first weights; its head keeps its own.

    Args:
        network: Filled in place.
        first: The weights.
        channels: Bands and indices of the network's input.

    Raises:
        BadInputError: The weights are those of another network, or of none of its bands.
    """
    own = network.state_dict()
    stem = next(name for name, tensor in own.items() if tensor.ndim == 4)
    theirs = {_plain(name): tensor for name, tensor in first.tensors.items()}
    filled: Weights = {}
    lacking: list[str] = []
    for name, wanted in own.items():
        tensor = theirs.get(_plain(name))
        if name == stem and tensor is not None:
            tensor = _adapt(tensor, first, channels)
        if tensor is not None and tensor.shape == wanted.shape:
            filled[name] = tensor.to(wanted.dtype)
        elif wanted.is_floating_point() and _plain(name).partition(".")[0] not in _HEADS:
            lacking.append(name)
    if lacking:
        raise BadInputError(
            f"The weights of {first.source.title} lack {lacking[0]} of the shape {tuple(own[lacking[0]].shape)}"
            f"{f' and {len(lacking) - 1} further tensors' if len(lacking) > 1 else ''}: they belong to another "
            f"network; correct network.pretrained or the architecture."
        )
    nn.Module.load_state_dict(network, filled, strict=False)
    if first.missing is not None:
        absent = [number for number, channel in enumerate(first.channels) if channel not in channels]
        _shift(network, stem.rpartition(".")[0], first.missing[absent].sum(dim=0))


def _plain(name: str) -> str:
    return _FLAT.sub(r"\1.\2.", _WRAPPER.sub("", name))


def _adapt(kernels: Tensor, first: FirstWeights, channels: Sequence[str]) -> Tensor:
    """Kernels ``(O, S, H, W)`` of a source's first convolution for the network's own channels ``(O, C, H, W)``."""
    outputs, inputs, *size = kernels.shape
    if inputs != len(first.channels):
        raise BadInputError(
            f"The weights of {first.source.title} take {inputs} input channels, not the {len(first.channels)} that "
            f"they should: name another file in network.pretrained."
        )
    adapted = kernels.new_zeros(outputs, len(channels), *size)
    places = {channel: number for number, channel in enumerate(channels)}
    if not set(first.channels) & set(places):
        raise BadInputError(
            f"The weights of {first.source.title} know {', '.join(first.source.bands)}, and the chips have none of "
            f"these bands: set network.pretrained to null or another source."
        )
    for number, channel in enumerate(first.channels):
        target = channel if channel in places or first.missing is not None else _neighbour(channel, channels)
        if target in places:
            adapted[:, places[target]] += kernels[:, number]
    return adapted


def _neighbour(band: str, channels: Sequence[str]) -> str | None:
    """The channel that is nearest in wavelength to a band that is not among them, within its range."""
    wavelength = BANDS[band].wavelength
    start, end = next((limits for limits in RANGES if limits[0] <= wavelength < limits[1]), (0, 0))
    near = [other for other in channels if other in BANDS and start <= BANDS[other].wavelength < end]
    return min(near, key=lambda other: abs(BANDS[other].wavelength - wavelength), default=None)


def _shift(network: nn.Module, stem: str, vector: Tensor) -> None:
    """Add a vector ``(O,)`` to the output of the first convolution: to its bias, or in the batch norm behind it."""
    modules = list(network.named_modules())
    convolution = network.get_submodule(stem)
    with torch.no_grad():
        if isinstance(convolution.bias, Tensor):
            convolution.bias += vector
            return
        behind = modules[[name for name, _ in modules].index(stem) + 1 :]
        norm = next((module for _, module in behind if isinstance(module, _BatchNorm)), None)
        if norm is None or norm.running_mean is None or len(norm.running_mean) != len(vector):
            raise BadInputError(
                "The network has neither a bias nor a batch norm behind its first convolution, which could take the "
                "place of missing bands: choose another architecture, or set network.pretrained to null."
            )
        norm.running_mean -= vector
