"""An exported model as a folder that MLflow loads, registers and serves."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def save_served_model(exported: Path, path: Path, example: NDArray[np.float32] | None = None) -> None:
    """Write an MLflow model folder (a pyfunc model from code) around an exported model.

    Args:
        exported: Folder with ``model.pt2`` and ``description.json``.
        path: The folder to write, whole or not at all; what is there already is replaced.
        example: A chip ``(C, H, W)`` or chips ``(B, C, H, W)`` as an input example; a plain grey one by default.

    Raises:
        FileNotFoundError: ``exported`` holds no exported model.
        BadInputError: The disk is full, or the place can't be written to.
    """
    raise NotImplementedError
