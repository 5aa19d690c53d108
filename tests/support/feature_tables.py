"""Feature tables in which one band tells."""

import numpy as np
import pandas as pd

from mining_the_mines.models.baseline import BaselineFit, fit_baseline
from mining_the_mines.models.settings import BaselineSettings

FEWER_TREES = BaselineSettings(iterations=20, bag=2, min_samples_leaf=4, max_features=0.5)


def telling_table(chips: int = 90, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and folds: both statistics of B11 tell mines, all others are noise; the last nine chips are the test."""
    random = np.random.default_rng(seed)
    names = pd.Index([f"chip_{number:03d}.tif" for number in range(chips)], name="filename")
    labels = random.permutation(np.arange(chips) % 2)
    columns = [
        f"{plane}_{figure}" for plane in ("B4", "B8", "B11", "ND_B4_B8", "ND_B8_B11") for figure in ("mean", "p90")
    ]
    features = pd.DataFrame(random.normal(size=(chips, len(columns))), index=names, columns=columns)
    for figure in ("mean", "p90"):
        features[f"B11_{figure}"] += 2.0 * labels
    features.iloc[0, 0] = np.nan
    place = np.arange(chips) // 3
    test = place >= chips // 3 - 3
    folds = pd.DataFrame(
        {
            "filename": names,
            "label": labels,
            "place": [f"place-{number}" for number in place],
            "split": np.where(test, "test", "train"),
            "fold": pd.Series(place % 3, dtype="Int64").mask(test),
        }
    )
    return features, folds


def fitted(seed: int = 0, settings: BaselineSettings = FEWER_TREES) -> BaselineFit:
    """A baseline on such a table."""
    return fit_baseline(*telling_table(seed=seed), settings)
