"""The classifier as mapping wants a model: a probability for each pixel of a window."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.models.mine_classifier import MineClassifier
from mining_the_mines.models.model_files import load_classifier


@dataclass(frozen=True)
class WindowClassifier:
    """A classifier that maps, coarsely: every pixel of a window gets the window's probability.

    Attributes:
        model: The complete classifier.
    """

    model: MineClassifier
    coarse: bool = True

    @property
    def chips(self) -> ChipSettings:
        """Which bands it takes, and how numbers become reflectance."""
        return self.model.chips

    @property
    def threshold(self) -> float:
        """Probability from which a window counts as showing a mine."""
        return self.model.threshold

    @property
    def window(self) -> int:
        """Edge in pixels of the chips that it was trained on."""
        return self.model.window

    def predict(self, reflectance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probability of the window at each of its pixels, (B, H, W), NaN without data, for (B, C, H, W)."""
        probability = self.model.predict(reflectance).astype(np.float32)
        known = np.isfinite(reflectance).all(axis=1)
        return np.where(known, probability[:, None, None], np.float32(np.nan))


def load_window_classifier(folder: Path) -> WindowClassifier:
    """Read a classifier for mapping."""
    return WindowClassifier(load_classifier(folder))
