"""Files of weights, read as tensors alone: a pickle could run code when it is read."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.kinds import Weights

#: Keys under which files keep the weights beside other things.
_WRAPPERS: Final = ("state_dict", "model")


def read_safetensors(path: Path) -> tuple[Weights, Mapping[str, str]]:
    """Read all tensors of a file and the metadata of its header.

    Raises:
        BadInputError: It is no safetensors file, or cut off, or its weights can't be used.
    """
    try:
        with safe_open(path, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - safetensors has no iterator
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise BadInputError(
            f"{path} can't be read as safetensors ({error}): it is cut off or another kind of file; fetch it again."
        ) from error
    check_numbers(weights, path)
    return weights, metadata


def read_state_dict(path: Path) -> Weights:
    """Tensors of a state dict that torch saved.

    Raises:
        BadInputError: It is none, or a pickle with anything else, which could run code when it is read.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of protocols of pickles, which are refused anyway
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever stands in a foreign file
        if path.read_bytes().startswith((b"PK", b"\x80")):  # an archive, as torch saves them, or a pickle
            fault = "holds objects other than tensors, which could run code when they are read, or is cut off"
        else:
            fault = "is cut off or no file of weights"
        raise BadInputError(f"{path} {fault}: save its state dict as .safetensors, or fetch it again.") from error
    for wrapper in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    named = content if isinstance(content, dict) else {}
    tensors = {name: one for name, one in named.items() if isinstance(name, str) and isinstance(one, Tensor)}
    if not tensors:
        raise BadInputError(f"{path} holds no weights by name: save a state dict in it.")
    check_numbers(tensors, path)
    # Checkpoints of Lightning and of several devices put the network's name before all others.
    common = {name.partition(".")[0] for name in tensors}
    wrapper = f"{common.pop()}." if len(common) == 1 else ""
    return {name.removeprefix(wrapper): tensor for name, tensor in tensors.items()}


def check_numbers(weights: Weights, path: Path) -> None:
    """Refuse weights that a network could not learn from.

    Args:
        weights: Tensors of a file.
        path: The file, for errors.

    Raises:
        BadInputError: Weights are whole numbers, as of a quantised network, or some are NaN or infinite.
    """
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            fault = "NaN or infinite numbers, as of a training that failed"
        elif name.endswith("weight") and not tensor.is_floating_point():
            fault = f"numbers of the type {str(tensor.dtype).removeprefix('torch.')}, as of a quantised network"
        else:
            continue
        raise BadInputError(f"{path} holds {fault} (in the tensor {name}): name a file of floating-point weights.")
