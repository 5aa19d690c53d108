"""Probabilities for packed chips."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.learning.packed_data import decode_batch, packed_batches


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
    device = _device()
    network.to(device).eval()
    probabilities = [np.empty(0)]
    with torch.inference_mode():
        for digital_numbers in packed_batches(packed, filenames, batch_size):
            reflectance = decode_batch(torch.from_numpy(digital_numbers).to(device))
            probabilities.append(network(reflectance).double().cpu().numpy())
    network.cpu()
    return np.concatenate(probabilities)


def predict_reflectance(network: nn.Module, reflectance: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probability of a mine for chips ``(B, C, H, W)`` in reflectance with NaN for nodata."""
    with torch.inference_mode():
        probabilities: NDArray[np.float64] = network.eval()(torch.from_numpy(reflectance)).double().cpu().numpy()
    return probabilities


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
