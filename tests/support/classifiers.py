"""A complete classifier that is trained in a moment."""

import tempfile
from pathlib import Path

import numpy as np

from mining_the_mines.chips.features import FeatureSettings
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.models.blend import Blend
from mining_the_mines.models.complete import MineClassifier
from mining_the_mines.models.novelty import fit_novelty
from mining_the_mines.scoring.calibration import HomeCalibration
from support.chip_files import BANDS, packed_chips, training_folds
from support.feature_tables import fitted_on_chips
from support.networks import trained_classifier

FEATURES = FeatureSettings(indices=("NDVI",), families=("moments",))
SIZE = 16
WEIGHTS = {"trees": 0.7, "logistic": 0.1, "network": 0.4}


def small_classifier() -> MineClassifier:
    """A blend of trees and logistic regression, which know the features of their chips, and networks by chance."""
    packed = packed_chips(30)
    with tempfile.TemporaryDirectory() as folder:
        tables = fitted_on_chips(packed, FEATURES, np.arange(30) % 2, Path(folder))
    return MineClassifier(
        chosen="blend",
        threshold=0.4321,
        chips=ChipSettings(bands=BANDS, size=SIZE),
        models={name: result.model for name, result in tables.items()}
        | {"network": trained_classifier(bands=BANDS, size=SIZE)},
        blend=Blend(weights=WEIGHTS, intercept=-0.1),
        home=HomeCalibration(scale=1.2, shift=0.1, share=0.5),
        novelty=fit_novelty(packed, training_folds(packed)),
    )
