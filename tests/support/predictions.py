"""Small made-up predictions."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def make_chips(
    places: int, chips_a_place: int = 5, seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Places, labels and probabilities; chips of one place share their difficulty and mostly their label."""
    rng = np.random.default_rng(seed)
    place = np.repeat(np.arange(places), chips_a_place)
    label = (rng.random(places) < 0.5)[place].astype(np.int64)
    label = np.where(rng.random(place.size) < 0.2, 1 - label, label)
    difficulty = rng.normal(0, 0.8, places)[place]
    logit = 1.2 * (2 * label - 1) + difficulty + rng.normal(0, 1, place.size)
    return place, label, 1 / (1 + np.exp(-logit))


def make_table(places: int = 30, seed: int = 0, models: tuple[str, ...] = ("trees", "blend")) -> pd.DataFrame:
    """Predictions of some models, each better than the one before; every sixth place is kept for the test."""
    place, label, chance = make_chips(places, seed=seed)
    rng = np.random.default_rng(seed + 1)
    fold = pd.Series(place % 6, dtype="Int64")
    chips = pd.DataFrame(
        {
            "filename": [f"chip_{index}.tif" for index in range(place.size)],
            "label": label,
            "place": [f"place-{index}" for index in place],
            "category": np.where(label == 1, "mine", rng.choice(["forest", "river"], place.size)),
            "fold": fold.mask(fold == 5),
        }
    )
    better = {model: chance + index * 0.3 * (label - chance) for index, model in enumerate(models)}
    return pd.concat(
        [chips.assign(model=model, probability=values) for model, values in better.items()], ignore_index=True
    )
