"""Feature tables in which one band tells, and table models that are fitted in a moment."""

from pathlib import Path

import numpy as np
import pandas as pd

from mining_the_mines.chips.features import FeatureSettings, extract_features
from mining_the_mines.chips.packing import PackedChips, pack_in_memory
from mining_the_mines.models.cross_validation import CrossValidation, cross_validate
from mining_the_mines.models.kinds import ChipLayout, LabelledChips
from mining_the_mines.models.logistic import LogisticRegression
from mining_the_mines.models.tables import TableKind
from mining_the_mines.models.trees import BoostedTrees

FEWER_TREES = BoostedTrees(iterations=20, bag=2, min_samples_leaf=4, max_features=0.5)
BANDS = ("B4", "B8", "B11")


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


def fitted(folder: Path, kind: TableKind = FEWER_TREES, seed: int = 0) -> CrossValidation:
    """A model that is cross-validated on such a table."""
    features, folds = telling_table(seed=seed)
    packed = pack_in_memory(list(np.full((1, 3, 4, 4), 0.2, np.float32)), ["chip_000.tif"], BANDS)
    data = LabelledChips(packed, folds[folds["split"] == "train"], {}, features)
    layout = ChipLayout(bands=BANDS, chip_size=4, features=FeatureSettings(indices=(), families=("moments",)))
    return cross_validate({"model": kind}, data, layout, folder)["model"]


def fitted_on_chips(
    packed: PackedChips, settings: FeatureSettings, labels: "np.ndarray[tuple[int], np.dtype[np.int64]]", folder: Path
) -> dict[str, CrossValidation]:
    """Trees and a logistic regression that know the features of their chips; two chips per place, three folds."""
    number = np.arange(len(packed))
    folds = pd.DataFrame(
        {
            "filename": packed.filenames,
            "label": labels,
            "place": [f"place-{place}" for place in number // 2],
            "split": "train",
            "fold": (number // 2) % 3,
        }
    )
    data = LabelledChips(packed, folds, {}, extract_features(packed, settings))
    layout = ChipLayout(bands=packed.bands, chip_size=packed.array.shape[-1], features=settings)
    kinds = {"trees": FEWER_TREES, "logistic": LogisticRegression()}
    return cross_validate(kinds, data, layout, folder)
