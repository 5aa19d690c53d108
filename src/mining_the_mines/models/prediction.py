"""Probabilities for packed chips."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.models.packed_data import decode_batch, packed_batches


def predict_packed(
    network: nn.Module, packed: PackedChips, filenames: Sequence[str], batch_size: int
) -> NDArray[np.float64]:
    """Probability of a mine for each named chip.

    Args:
        network: Takes reflectance ``(B, C, H, W)`` and gives ``(B,)`` probabilities.
        packed: All packed chips.
        filenames: Which of them.
        batch_size: Chips at a time.

    Returns:
        ``(len(filenames),)``.
    """
    batches = _predict_batches(network, packed, filenames, batch_size)
    return np.concatenate([np.empty(0), *(batch.double().numpy() for batch in batches)])


def predict_packed_maps(
    network: nn.Module, packed: PackedChips, filenames: Sequence[str], batch_size: int
) -> NDArray[np.float16]:
    """Probability of a mine for each pixel of each named chip.

    Args:
        network: Takes reflectance ``(B, C, H, W)`` and gives ``(B, H, W)`` probabilities, NaN for nodata.
        packed: All packed chips.
        filenames: Which of them.
        batch_size: Chips at a time.

    Returns:
        ``(len(filenames), H, W)``. Half precision has three digits, more than any threshold needs.
    """
    maps = np.empty((len(filenames), *packed.array.shape[2:]), dtype=np.float16)
    done = 0
    for batch in _predict_batches(network, packed, filenames, batch_size):
        maps[done : done + len(batch)] = batch.numpy()
        done += len(batch)
    return maps


def _predict_batches(
    network: nn.Module, packed: PackedChips, filenames: Sequence[str], batch_size: int
) -> Iterator[Tensor]:
    device = _device()
    network.to(device).eval()
    for digital_numbers in packed_batches(packed, filenames, batch_size):
        with torch.inference_mode():
            yield network(decode_batch(torch.from_numpy(digital_numbers).to(device))).float().cpu()
    network.cpu()


def predict_reflectance(network: nn.Module, reflectance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability of a mine for chips ``(B, C, H, W)`` in reflectance with NaN for nodata, or for their pixels."""
    device = _device()
    with torch.inference_mode():
        given = torch.from_numpy(reflectance).to(device)
        probabilities: NDArray[np.float32] = network.to(device).eval()(given).float().cpu().numpy()
    return probabilities


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
