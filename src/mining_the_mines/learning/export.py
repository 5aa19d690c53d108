"""Complete models as programs of torch.export, for processes that know nothing of this package.

A folder holds ``model.pt2`` (the program, its weights and, once more, the description) and ``description.json``.
Neither holds a pickle.
"""

from pathlib import Path
from typing import Final

from mining_the_mines.learning.detector import MineDetector
from mining_the_mines.learning.outliner import MineOutliner
from mining_the_mines.models.description import ModelDescription

#: Edge in metres of the pixels that chips have unless somebody says otherwise: Sentinel-2's finest bands.
PIXEL_METRES: Final = 10.0


def export_detector(detector: MineDetector, folder: Path, pixel_metres: float = PIXEL_METRES) -> ModelDescription:
    """Write a classifier as one program: reflectance float32 ``(B, C, H, W)`` in, probability float64 ``(B,)`` out.

    Args:
        detector: Trees, networks or both; what is not chosen is left out.
        folder: An existing folder.
        pixel_metres: Edge of the chips' pixels on the ground.

    Returns:
        What was written beside the program, see :func:`describe`.
    """
    raise NotImplementedError


def export_outliner(outliner: MineOutliner, folder: Path, pixel_metres: float = PIXEL_METRES) -> ModelDescription:
    """Write a segmenter as one program: reflectance ``(B, C, H, W)`` in, probability ``(B, H, W)`` out, both float32.

    Args:
        outliner: The networks.
        folder: An existing folder.
        pixel_metres: Edge of the chips' pixels on the ground.

    Returns:
        What was written beside the program, see :func:`describe`.
    """
    raise NotImplementedError


def describe(model: MineDetector | MineOutliner, pixel_metres: float = PIXEL_METRES) -> ModelDescription:
    """Say what a model takes and gives: bands, scale, size, threshold, versions."""
    raise NotImplementedError
