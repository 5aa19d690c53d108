"""The segmenter, complete: raw reflectance in, probability of a mine for each pixel and a threshold out."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.models.ensemble_files import StoredEnsemble
from mining_the_mines.models.model_source import ModelSource
from mining_the_mines.models.prediction import predict_reflectance


@dataclass(frozen=True)
class MineSegmenter:
    """Everything that is needed to outline mines in new chips.

    Attributes:
        chips: How chips are read, and what is asked of them; ``bands`` as in training.
        network: The fold ensemble; its threshold is the one chosen on out-of-fold predictions.
        source: Where it was read from.
    """

    chips: ChipSettings
    network: StoredEnsemble
    source: ModelSource | None = field(default=None, compare=False)

    @property
    def coarse(self) -> bool:
        """That it judges pixels, not windows as wholes."""
        return False

    @property
    def window(self) -> int:
        """Edge in pixels of the chips that it was trained on."""
        return self.network.chip_size

    @property
    def threshold(self) -> float:
        """Probability from which a pixel counts as mine."""
        return float(self.network.ensemble.threshold)

    def predict(self, reflectance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probability of a mine.

        Args:
            reflectance: ``(B, C, H, W)`` in the order of ``chips.bands``; NaN marks nodata.

        Returns:
            ``(B, H, W)`` in 0–1; NaN where a pixel lacks a band.
        """
        return predict_reflectance(self.network.ensemble, reflectance)
