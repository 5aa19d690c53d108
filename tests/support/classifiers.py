"""A classifier that is trained in a moment."""

import numpy as np
import pandas as pd

from mining_the_mines.chips.features import FeatureSettings, extract_features
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.models.baseline import fit_baseline
from mining_the_mines.models.blend import Blend
from mining_the_mines.models.ensemble_files import StoredEnsemble
from mining_the_mines.models.mine_classifier import MineClassifier
from support.chip_files import BANDS, packed_chips
from support.feature_tables import FEWER_TREES
from support.networks import small_ensemble, small_spec

FEATURES = FeatureSettings(indices=("NDVI",), families=("moments",))


def small_detector() -> MineClassifier:
    """A classifier whose trees know the features of its chips."""
    packed = packed_chips(30)
    features = extract_features(packed, FEATURES)
    folds = pd.DataFrame(
        {
            "filename": packed.filenames,
            "label": np.arange(30) % 2,
            "place": [f"place-{number // 2}" for number in range(30)],
            "split": "train",
            "fold": (np.arange(30) // 2) % 3,
        }
    )
    return MineClassifier(
        chosen="blend",
        threshold=0.4321,
        chips=ChipSettings(bands=BANDS, size=16),
        features=FEATURES,
        baseline=fit_baseline(features, folds, FEWER_TREES).baseline,
        network=StoredEnsemble(small_ensemble(2), small_spec(), 16),
        blend=Blend(weights={"baseline": 0.7, "network": 0.4}, intercept=-0.1),
    )
