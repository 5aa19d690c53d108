"""Where a training run keeps its checkpoints, and how it tells the world about its epochs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Starts a Lightning logger for the fold of that name; typed loosely so that importing this loads no torch.
StartLogger = Callable[[str], Any]


def no_logger(fold: str) -> None:
    """Track nothing."""


@dataclass(frozen=True)
class Workspace:
    """A folder for checkpoints and a tracker of epochs.

    Attributes:
        checkpoints: Folder with one sub-folder a fold.
        start_logger: Called with the name of each fold when it starts.
        owner: What tells this training from others: of its code, data and parameters; empty if nobody knows.
        goes_on: Whether checkpoints of the same owner are gone on from; all others make way for new ones.
    """

    checkpoints: Path
    start_logger: StartLogger = no_logger
    owner: str = ""
    goes_on: bool = False
