"""Building a timm network, from scratch, from published weights or from a local file."""

import difflib
import logging
import pickle
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from torch import nn

from mining_the_mines.bad_input import BadInputError
from mining_the_mines.models.specification import NetworkSpec

logger = logging.getLogger(__name__)

#: Most networks halve the picture five times; what is a multiple of this suits them all.
LARGEST_STRIDE = 32
#: A weights file that fills less of the network than this belongs to another one.
LEAST_LOADED = 0.5


def build_backbone(spec: NetworkSpec, channels: int, size: int) -> nn.Module:
    """Create the timm network that a specification names, with one output (the logit of "mine").

    Args:
        spec: What to build.
        channels: Number of input channels; timm folds three-channel weights out to that many.
        size: Edge in pixels of its input.

    Raises:
        BadInputError: timm knows no such network or can't build it so, or pretrained weights can't be had and the
            specification allows no fallback.
    """
    if not timm.is_model(spec.architecture):
        close = ", ".join(difflib.get_close_matches(spec.architecture, timm.list_models(), n=5))
        raise BadInputError(
            f"timm knows no network named {spec.architecture!r} (close: {close or 'none'}): "
            f"correct the parameter training.network.architecture."
        )
    options = dict(spec.overrides or {})
    published = timm.get_pretrained_cfg(spec.architecture)
    if published is not None and published.fixed_input_size:
        options.setdefault("img_size", size)  # attention windows and positions are laid out for one size
    network = _build(spec, channels, options)
    if size % LARGEST_STRIDE:
        _try_out(network, spec, channels, size)
    return network


def _build(spec: NetworkSpec, channels: int, options: dict[str, Any]) -> nn.Module:
    if spec.pretrained_file is not None:
        return _create_from_file(spec, channels, options, spec.pretrained_file)
    if not spec.pretrained:
        return _create(spec, channels, options)
    try:
        return _create(spec, channels, options, source={})
    except (OSError, RuntimeError) as error:  # the hub's connection errors are subclasses of these
        if not spec.pretrained_fallback:
            raise BadInputError(
                f"The pretrained weights of {spec.architecture} can't be fetched ({_first_line(error)}): name a local "
                f"file in training.network.pretrained_file, or set training.network.pretrained_fallback to train from "
                f"scratch."
            ) from error
        logger.warning(
            "The pretrained weights of %s can't be fetched (%s); training starts from scratch, as "
            "training.network.pretrained_fallback says.",
            spec.architecture,
            _first_line(error),
        )
        return _create(spec, channels, options)


def _create_from_file(spec: NetworkSpec, channels: int, options: dict[str, Any], path: Path) -> nn.Module:
    if not path.is_file():
        raise BadInputError(f"There is no weights file {path}: correct the parameter training.network.pretrained_file.")
    with torch.random.fork_rng(devices=[]):
        untouched = _create(spec, channels, options)  # draws the same random numbers as the network below
    try:
        network = _create(spec, channels, options, source={"file": str(path)})
    except (RuntimeError, KeyError, OSError, SafetensorError, pickle.UnpicklingError) as error:
        raise BadInputError(
            f"The weights in {path} can't be loaded into {spec.architecture} ({_first_line(error)}): correct the "
            f"parameter training.network.pretrained_file, or the architecture."
        ) from error
    # timm replaces the head, so it loads loosely, and says nothing about a file that holds quite another network.
    loaded = _share_of_changed_weights(network, untouched)
    if loaded < LEAST_LOADED:
        raise BadInputError(
            f"The file {path} holds only {loaded:.0%} of the weights of {spec.architecture}: correct the parameter "
            f"training.network.pretrained_file, or the architecture."
        )
    return network


def _share_of_changed_weights(network: nn.Module, untouched: nn.Module) -> float:
    """Share of the weight matrices and kernels, by size, that differ from those of an untouched twin."""
    pairs = zip(network.parameters(), untouched.parameters(), strict=True)
    sizes = [(one.numel(), torch.equal(one, other)) for one, other in pairs if one.ndim > 1]
    return sum(size for size, equal in sizes if not equal) / sum(size for size, _ in sizes)


def _try_out(network: nn.Module, spec: NetworkSpec, channels: int, size: int) -> None:
    """Show the network an empty chip: whether an unusual size suits it turns out only when it runs."""
    training = network.training
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, channels, size, size))
    except (RuntimeError, AssertionError, ZeroDivisionError) as error:
        raise _wrong_size(spec, error) from error
    network.train(training)


def _create(
    spec: NetworkSpec, channels: int, options: dict[str, Any], source: dict[str, Any] | None = None
) -> nn.Module:
    """Call timm; ``source`` overrides where pretrained weights come from, ``None`` wants none."""
    try:
        network = timm.create_model(
            spec.architecture,
            pretrained=source is not None,
            pretrained_cfg_overlay=source or None,
            in_chans=channels,
            num_classes=1,
            **options,
        )
    except (AssertionError, TypeError, ZeroDivisionError) as error:
        raise _wrong_size(spec, error) from error
    if not isinstance(network, nn.Module):
        raise TypeError(f"timm returned {type(network).__name__} for {spec.architecture}.")
    return network


def _wrong_size(spec: NetworkSpec, error: BaseException) -> BadInputError:
    return BadInputError(
        f"timm can't build {spec.architecture} of input size {spec.input_size or 'of the chips'} with {spec.overrides} "
        f"({_first_line(error)}): correct training.network.input_size (a multiple of 32 for MaxViT) or its overrides."
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
