"""What mapping asks of a model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mining_the_mines.chips.quality import ChipSettings


class MapModel(Protocol):
    """A complete model that gives each pixel of a window a probability, whatever is inside."""

    @property
    def chips(self) -> ChipSettings:
        """Which bands it takes, and how numbers become reflectance."""
        ...

    @property
    def threshold(self) -> float:
        """Probability from which a pixel counts as mine."""
        ...

    @property
    def window(self) -> int:
        """Edge in pixels of the chips that it was trained on."""
        ...

    @property
    def coarse(self) -> bool:
        """Whether it judges windows as wholes, which have to be of its size, so that its map is a coarse one."""
        ...

    def predict(self, reflectance: npt.NDArray[np.float32], /) -> npt.NDArray[np.float32]:
        """Probability of a mine.

        Args:
            reflectance: (B, C, H, W) in the order of the bands; NaN without data.

        Returns:
            (B, H, W) in 0–1; NaN without data.
        """
        ...


@dataclass(frozen=True)
class StoredModel:
    """A model on disk, which every worker loads for itself.

    Attributes:
        folder: Where it lies; workers on other machines see the same folder.
        load: Reads it; a function of a module, so that workers find it.
        name: What people call it.
        version: Which of its versions.
        content_hash: SHA-256 of its files.
    """

    folder: Path
    load: Callable[[Path], MapModel]
    name: str
    version: str
    content_hash: str
