"""The chosen model, complete: raw reflectance in, probability and decision out."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mining_the_mines.chips.features import FeatureSettings, chip_features
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.models.baseline import Baseline
from mining_the_mines.models.blend import Blend
from mining_the_mines.models.ensemble_files import StoredEnsemble
from mining_the_mines.models.model_source import ModelSource
from mining_the_mines.models.prediction import predict_reflectance

ModelName = Literal["baseline", "network", "blend"]


@dataclass(frozen=True)
class MineClassifier:
    """Everything that is needed to find mines in new chips.

    Attributes:
        chosen: Which of the three models decides.
        threshold: Probability from which a chip counts as a mine.
        chips: How chips are read, and what is asked of them; ``bands`` and ``size`` as in training.
        features: Features that the baseline sees.
        baseline: The trees.
        network: The fold ensemble.
        blend: Weighs both.
        source: Where it was read from.
    """

    chosen: ModelName
    threshold: float
    chips: ChipSettings
    features: FeatureSettings
    baseline: Baseline
    network: StoredEnsemble
    blend: Blend
    source: ModelSource | None = field(default=None, compare=False)

    @property
    def coarse(self) -> bool:
        """It judges windows as wholes."""
        return True

    @property
    def window(self) -> int:
        """Edge in pixels of the chips that it was trained on."""
        return self.network.chip_size

    def predict(self, reflectance: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability of a mine.

        Args:
            reflectance: ``(B, C, H, W)`` in the order of ``chips.bands``; NaN marks nodata.

        Returns:
            ``(B,)`` in 0–1.
        """
        if self.chosen == "baseline":
            return self._by_trees(reflectance)
        network = predict_reflectance(self.network.ensemble, reflectance).astype(np.float64)
        if self.chosen == "network":
            return network
        return self.blend.predict({"baseline": self._by_trees(reflectance), "network": network})

    def _by_trees(self, reflectance: NDArray[np.float32]) -> NDArray[np.float64]:
        rows = [chip_features(chip, self.chips.bands, self.features) for chip in reflectance]
        # Rounded as feature tables are: many thresholds of trees are values of training chips.
        return self.baseline.predict(pd.DataFrame(rows, dtype="float32"))
