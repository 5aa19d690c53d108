"""The blend of both models."""

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.metrics import log_loss

from mining_the_mines.models.blend import fit_blend


def predictions(chips: int = 300, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Out-of-fold probabilities of a good and a bad model, and the folds."""
    random = np.random.default_rng(seed)
    names = pd.Index([f"chip_{number}.tif" for number in range(chips)], name="filename")
    labels = random.integers(0, 2, chips)
    good = expit(3 * (2 * labels - 1) + random.normal(0, 1, chips))
    bad = expit(random.normal(0, 2, chips))
    folds = pd.DataFrame({"filename": names, "label": labels, "fold": np.arange(chips) % 5})
    return pd.DataFrame({"trees": bad, "network": good}, index=names), folds


def test_better_model_weighs_more() -> None:
    blend, _ = fit_blend(*predictions())
    assert blend.weights["network"] > blend.weights["trees"]


def test_better_than_the_mean() -> None:
    table, folds = predictions()
    _, blended = fit_blend(table, folds)
    assert log_loss(folds["label"], blended) < log_loss(folds["label"], table.mean(axis=1))


def test_no_leak_from_a_fold() -> None:
    table, folds = predictions()
    _, blended = fit_blend(table, folds)
    chosen = folds["fold"] == 2
    flipped = folds.assign(label=folds["label"].where(~chosen, 1 - folds["label"]))
    _, again = fit_blend(table, flipped)
    names = folds.loc[chosen, "filename"]
    pd.testing.assert_series_equal(again[names], blended[names], check_exact=True)
    assert not again.equals(blended)


def test_certain_models() -> None:
    table, folds = predictions()
    certain = table.round()
    blend, blended = fit_blend(certain, folds)
    assert np.isfinite(list(blend.weights.values())).all()
    assert blended.between(0, 1).all()
