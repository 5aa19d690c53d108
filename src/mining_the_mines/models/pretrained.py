"""First weights of a network: random, published or from a local file."""

import logging
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.networks import NetworkSpec

logger = logging.getLogger(__name__)

#: A weights file that fills a smaller share of the network belongs to another one.
LEAST_LOADED = 0.5

#: Builds a network. Its argument overrides where pretrained weights come from; ``None`` wants none.
Create = Callable[[Mapping[str, Any] | None], nn.Module]


def build_with_weights(spec: NetworkSpec, name: str, create: Create, part: str = "") -> nn.Module:
    """Build a network with the first weights that a specification asks for.

    Args:
        spec: Says where the weights come from.
        name: What the pretrained part is called by those who publish its weights.
        create: Builds the network.
        part: Name of the submodule that is pretrained; by default all of it.

    Raises:
        BadInputError: The weights can't be had, or belong to another network, and the specification allows no fallback.
    """
    if spec.pretrained_file is not None:
        return _from_file(spec.pretrained_file, name, create, part)
    if not spec.pretrained:
        return create(None)
    try:
        return create({})
    except (OSError, RuntimeError) as error:  # the hub's connection errors are subclasses of these
        if not spec.pretrained_fallback:
            raise BadInputError(
                f"The pretrained weights of {name} can't be fetched ({first_line(error)}): name a local "
                f"file in network.pretrained_file, or set network.pretrained_fallback to train from "
                f"scratch."
            ) from error
        logger.warning(
            "The pretrained weights of %s can't be fetched (%s); training starts from scratch, as "
            "network.pretrained_fallback says.",
            name,
            first_line(error),
        )
        return create(None)


def _from_file(path: Path, name: str, create: Create, part: str) -> nn.Module:
    if not path.is_file():
        raise BadInputError(f"There is no weights file {path}: correct the parameter network.pretrained_file.")
    with torch.random.fork_rng(devices=[]):
        untouched = create(None)  # draws the same random numbers as the network below
    try:
        network = create({"file": str(path)})
    except (RuntimeError, KeyError, OSError, SafetensorError, pickle.UnpicklingError) as error:
        raise BadInputError(
            f"The weights in {path} can't be loaded into {name} ({first_line(error)}): correct the "
            f"parameter network.pretrained_file, or the architecture."
        ) from error
    # The head is replaced, so weights are loaded loosely, and a file of another network raises no error.
    loaded = _share_of_changed_weights(network.get_submodule(part), untouched.get_submodule(part))
    if loaded < LEAST_LOADED:
        raise BadInputError(
            f"The file {path} holds only {loaded:.0%} of the weights of {name}: correct the parameter "
            f"network.pretrained_file, or the architecture."
        )
    return network


def _share_of_changed_weights(network: nn.Module, untouched: nn.Module) -> float:
    """Share of the weight matrices and kernels, by size, that differ from those of an untouched twin."""
    pairs = zip(network.parameters(), untouched.parameters(), strict=True)
    sizes = [(one.numel(), torch.equal(one, other)) for one, other in pairs if one.ndim > 1]
    return sum(size for size, equal in sizes if not equal) / sum(size for size, _ in sizes)


def first_line(error: BaseException) -> str:
    """The first line of an error message, or the name of its type."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
