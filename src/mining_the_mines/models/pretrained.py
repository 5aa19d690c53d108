"""Building a timm network, from scratch, from published weights or from a local file."""

import logging
from pathlib import Path
from typing import Any

import timm
from torch import nn

from mining_the_mines.bad_input import BadInputError
from mining_the_mines.models.specification import NetworkSpec

logger = logging.getLogger(__name__)


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
    if spec.architecture not in timm.list_models():
        close = ", ".join(timm.list_models(f"*{spec.architecture.split('_')[0]}*")[:5])
        raise BadInputError(
            f"timm knows no network named {spec.architecture!r} (close: {close or 'none'}): "
            f"correct the parameter training.network.architecture."
        )
    options = dict(spec.overrides)
    if "maxvit" in spec.architecture or "coatnet" in spec.architecture:
        options.setdefault("img_size", size)  # attention windows are laid out for one size
    if spec.pretrained_file is not None:
        return _create(spec, channels, options, source=_local_weights(spec.pretrained_file))
    if not spec.pretrained:
        return _create(spec, channels, options)
    try:
        return _create(spec, channels, options, source={})
    except (OSError, RuntimeError) as error:  # the hub's connection errors are subclasses of these
        if not spec.pretrained_fallback:
            raise BadInputError(
                f"The pretrained weights of {spec.architecture} can't be fetched ({_first_line(error)}): name a "
                f"local file in training.network.pretrained_file, or set training.network.pretrained_fallback to train from scratch."
            ) from error
        logger.warning(
            "The pretrained weights of %s can't be fetched; training starts from scratch (training.network.pretrained_fallback).",
            spec.architecture,
        )
        return _create(spec, channels, options)


def _local_weights(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise BadInputError(
            f"There is no weights file {path}: correct the parameter training.network.pretrained_file."
        )
    return {"file": str(path)}


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
    except (AssertionError, TypeError) as error:
        raise BadInputError(
            f"timm can't build {spec.architecture} with {options}: {_first_line(error)}; correct training.network.input_size "
            f"(a multiple of 32 for MaxViT) or its overrides."
        ) from error
    if not isinstance(network, nn.Module):
        raise TypeError(f"timm returned {type(network).__name__} for {spec.architecture}.")
    return network


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
